import { hostname } from 'node:os';
import { accessTokenVariables, refuseWeakToken } from '@image-pipeline/shared/access-token.ts';
import {
  commonVariables,
  refuseSamplePasswords,
  samplePasswords,
} from '@image-pipeline/shared/common-config.ts';
import {
  address,
  readConfig,
  seconds,
  text,
  wholeNumber,
  type ConfigOf,
} from '@image-pipeline/shared/config.ts';
import { upstreamVariables } from '@image-pipeline/shared/upstream-variables.ts';

export const MIN_INTERVAL_SECONDS = 1;
export const MAX_INTERVAL_SECONDS = 3_600;

export const monitoringVariables = {
  ...commonVariables,
  ...accessTokenVariables,
  ...upstreamVariables,
  MONITORING_NAME: text({
    default: '',
    form: 'a name',
    example: 'monitoring-1',
    description:
      'how the service is called in logs and in RabbitMQ; by default made of host name and process id',
  }),
  MONITORING_HOST: text({
    default: '127.0.0.1',
    form: 'an address of this machine',
    example: '127.0.0.1',
    description: 'where the monitoring service listens; 0.0.0.0 is every address of the machine',
  }),
  MONITORING_PORT: wholeNumber({
    min: 0,
    max: 65_535,
    default: 8002,
    description: 'the port of the monitoring service',
  }),
  STATUS_UPDATE_INTERVAL: seconds({
    min: MIN_INTERVAL_SECONDS,
    max: MAX_INTERVAL_SECONDS,
    default: 5,
    description: 'how often the snapshot of all figures is made anew; PUT /interval changes it while it runs',
  }),
  UNACCOUNTED_AFTER: seconds({
    min: 1,
    max: 3_600,
    default: 30,
    description: 'for how long a job that has not ended must be in no queue until it counts as unaccounted',
  }),
  EVENTS_COUNTED_AT_START: wholeNumber({
    min: 1_000,
    max: 10_000_000,
    default: 100_000,
    description:
      'how many of the newest events monitoring reads at most when it starts, to count what happened meanwhile',
  }),
  RABBITMQ_MANAGEMENT_URL: address({
    protocols: ['http', 'https'],
    default: 'http://localhost:15672',
    description: 'where RabbitMQ’s management API is',
  }),
  RABBITMQ_MANAGEMENT_USER: text({
    default: 'guest',
    form: 'a name',
    example: 'monitoring',
    description: 'its user; the tag `monitoring` and the vhost are all it needs',
  }),
  RABBITMQ_MANAGEMENT_PASSWORD: text({
    default: 'guest',
    form: 'a password',
    example: 'the output of: openssl rand -hex 32',
    description: 'the password of that user',
  }),
} as const;

export type MonitoringConfig = ConfigOf<typeof monitoringVariables>;

/** @throws ConfigError with all problems at once */
export function readMonitoringConfig(env: NodeJS.ProcessEnv): MonitoringConfig {
  const config = readConfig(monitoringVariables, env, (given) => [
    ...refuseSamplePasswords(given),
    ...refuseWeakToken(given),
    ...refuseSampleManagementPassword(given),
  ]);
  const name = config.MONITORING_NAME || `monitoring-${hostname()}-${process.pid}`;
  return { ...config, MONITORING_NAME: name };
}

function refuseSampleManagementPassword(config: MonitoringConfig): string[] {
  const isSample = samplePasswords.includes(config.RABBITMQ_MANAGEMENT_PASSWORD);
  if (config.NODE_ENV !== 'production' || !isSample) return [];
  return [
    'RABBITMQ_MANAGEMENT_PASSWORD is a sample password, which NODE_ENV=production refuses: set a real one (with Compose RABBITMQ_MONITORING_PASSWORD)',
  ];
}
