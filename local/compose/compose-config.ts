import { readConfig, text, wholeNumber, type ConfigOf } from '@image-pipeline/shared/config.ts';
import { z } from 'zod';

const port = (fallback: number, description: string) =>
  wholeNumber({ min: 1, max: 65_535, default: fallback, description });

/** What docker-compose.yml reads and no service does; its defaults are the same. */
export const composeVariables = {
  RABBITMQ_USER: text({
    default: 'guest',
    form: 'a name',
    example: 'guest',
    description: 'the user of RabbitMQ',
  }),
  RABBITMQ_PASSWORD: text({
    default: 'guest',
    form: 'letters, digits, . _ ~ and -',
    example: 'guest',
    description: 'the password of that user',
  }),
  RABBITMQ_MONITORING_USER: text({
    default: 'monitoring',
    form: 'a name',
    example: 'monitoring',
    description: 'the user by which monitoring looks at RabbitMQ; it may do nothing else',
  }),
  RABBITMQ_MONITORING_PASSWORD: text({
    default: 'monitoring',
    form: 'letters, digits, . _ ~ and -',
    example: 'the output of: openssl rand -hex 32',
    description: 'the password of that user',
  }),
  RABBITMQ_ERLANG_COOKIE: text({
    default: 'image-pipeline',
    form: 'letters and digits',
    example: 'the output of: openssl rand -hex 32',
    description: 'by what the nodes of a RabbitMQ cluster (docker-compose.cluster.yml) know each other',
  }),
  RABBITMQ_MANAGEMENT_PORT: port(15_672, "where RabbitMQ's pages are"),
  MINIO_PORT: port(9000, 'where MinIO is'),
  MINIO_CONSOLE_PORT: port(9001, "where MinIO's pages are"),
  GRAFANA_PORT: port(3000, 'where Grafana is'),
  GRAFANA_PASSWORD: text({
    default: 'admin',
    form: 'a password',
    example: 'the output of: openssl rand -hex 32',
    description: 'of the user admin of Grafana, who may change dashboards; it counts when its data are new',
  }),
  STOP_GRACE_PERIOD: {
    schema: z.string().regex(/^(\d+h)?(\d+m)?(\d+s)?$/),
    default: '45s',
    form: 'a duration such as 45s or 1m30s',
    example: '45s',
    description: 'after which Docker kills a service of ours that does not stop; more than STOP_TIMEOUT_MS',
  },
  WORKER_MEMORY: {
    schema: z.string().regex(/^\d+[mg]$/),
    default: '2g',
    form: 'a number of m (MiB) or g (GiB)',
    example: '4g',
    description:
      'the memory of one worker; at least MAX_CONCURRENT_JOBS × JOB_MEMORY_MIB, and 512m for the worker itself',
  },
  WORKER_CPUS: {
    schema: z.string().regex(/^\d+(\.\d+)?$/),
    default: '2',
    form: 'a number',
    example: '4',
    description:
      'the cores of one worker, best one for each of MAX_CONCURRENT_JOBS; no more than the machine has',
  },
  JAEGER_PORT: port(16_686, 'where traces are looked at (docker-compose.tracing.yml)'),
} as const;

export type ComposeConfig = ConfigOf<typeof composeVariables>;

/** @throws ConfigError with all problems at once */
export function readComposeConfig(env: NodeJS.ProcessEnv): ComposeConfig {
  return readConfig(composeVariables, env);
}
