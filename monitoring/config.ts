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
    description: '',
  }),
  MONITORING_HOST: text({
    default: '127.0.0.1',
    form: 'an address of this machine',
    example: '127.0.0.1',
    description: '',
  }),
  MONITORING_PORT: wholeNumber({
    min: 0,
    max: 65_535,
    default: 8002,
    description: 'port of the monitoring service',
  }),
  STATUS_UPDATE_INTERVAL: seconds({
    min: MIN_INTERVAL_SECONDS,
    max: MAX_INTERVAL_SECONDS,
    default: 5,
    description: 'interval of snapshots; PUT /interval changes it at runtime',
  }),
  UNACCOUNTED_AFTER: seconds({
    min: 1,
    max: 3_600,
    default: 30,
    description: 'an unfinished job that is in no queue for this long is unaccounted',
  }),
  EVENTS_COUNTED_AT_START: wholeNumber({
    min: 1_000,
    max: 10_000_000,
    default: 100_000,
    description: 'newest events that monitoring counts at start-up',
  }),
  RABBITMQ_MANAGEMENT_URL: address({
    protocols: ['http', 'https'],
    default: 'http://localhost:15672',
    description: '',
  }),
  RABBITMQ_MANAGEMENT_USER: text({
    default: 'guest',
    form: 'a name',
    example: 'monitoring',
    description: 'needs only the tag monitoring and access to the vhost',
  }),
  RABBITMQ_MANAGEMENT_PASSWORD: text({
    default: 'guest',
    form: 'a password',
    example: 'the output of: openssl rand -hex 32',
    description: '',
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
    'RABBITMQ_MANAGEMENT_PASSWORD is a sample password, which NODE_ENV=production does not allow. Set another one (with Compose: RABBITMQ_MONITORING_PASSWORD)',
  ];
}
