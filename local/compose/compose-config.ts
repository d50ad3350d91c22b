import type { ServiceUser } from '@image-pipeline/shared/broker/permissions.ts';
import { minioPasswordVariables } from '@image-pipeline/shared/common-config.ts';
import { readConfig, text, wholeNumber, type ConfigOf } from '@image-pipeline/shared/config.ts';
import { z } from 'zod';

const port = (fallback: number, description: string) =>
  wholeNumber({ min: 1, max: 65_535, default: fallback, description });

const rabbitmqPassword = (service: ServiceUser) =>
  text({
    default: service,
    form: 'letters, digits and . _ ~ -',
    example: 'the output of: openssl rand -hex 32',
    description: `password of RabbitMQ's user ${service} (Compose)`,
  });

/** The settings of docker-compose.yml only, with its defaults. */
export const composeVariables = {
  RABBITMQ_USER: text({
    default: 'guest',
    form: 'a name',
    example: 'guest',
    description: 'administrator, for people',
  }),
  RABBITMQ_PASSWORD: text({
    default: 'guest',
    form: 'letters, digits and . _ ~ -',
    example: 'guest',
    description: 'its password',
  }),
  RABBITMQ_API_PASSWORD: rabbitmqPassword('api'),
  RABBITMQ_WORKER_PASSWORD: rabbitmqPassword('worker'),
  RABBITMQ_NOTIFICATION_PASSWORD: rabbitmqPassword('notification'),
  RABBITMQ_MONITORING_PASSWORD: rabbitmqPassword('monitoring'),
  ...minioPasswordVariables,
  RABBITMQ_ERLANG_COOKIE: text({
    default: 'image-pipeline',
    form: 'letters and digits',
    example: 'the output of: openssl rand -hex 32',
    description: 'shared secret of the nodes of docker-compose.cluster.yml',
  }),
  RABBITMQ_MANAGEMENT_PORT: port(15_672, 'RabbitMQ management UI'),
  MINIO_PORT: port(9000, 'MinIO'),
  MINIO_CONSOLE_PORT: port(9001, 'MinIO console'),
  GRAFANA_PORT: port(3000, 'Grafana'),
  GRAFANA_PASSWORD: text({
    default: 'admin',
    form: 'a password',
    example: 'the output of: openssl rand -hex 32',
    description: "password of Grafana's user admin; used only at Grafana’s first start",
  }),
  STOP_GRACE_PERIOD: {
    schema: z.string().regex(/^(\d+h)?(\d+m)?(\d+s)?$/),
    default: '45s',
    form: 'a duration such as 45s or 1m30s',
    example: '45s',
    description: 'time before Docker kills a service; longer than STOP_TIMEOUT_MS',
  },
  WORKER_MEMORY: {
    schema: z.string().regex(/^\d+[mg]$/),
    default: '4g',
    form: 'a number of m (MiB) or g (GiB)',
    example: '4g',
    description:
      'memory limit of a worker container; at least (MAX_CONCURRENT_JOBS + 1) × 1260m + 160m for images of 25 megapixels',
  },
  WORKER_CPUS: {
    schema: z.string().regex(/^\d+(\.\d+)?$/),
    default: '2',
    form: 'a number',
    example: '4',
    description: 'CPU limit of a worker container; best equal to MAX_CONCURRENT_JOBS',
  },
} as const;

export type ComposeConfig = ConfigOf<typeof composeVariables>;

/** @throws ConfigError with all problems at once */
export function readComposeConfig(env: NodeJS.ProcessEnv): ComposeConfig {
  return readConfig(composeVariables, env);
}
