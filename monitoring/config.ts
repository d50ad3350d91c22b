import { accessTokenVariables, refuseWeakToken } from '@image-pipeline/shared/access-token.ts';
import {
  commonVariables,
  refuseSamplePasswords,
  samplePasswords,
  upstreamVariables,
} from '@image-pipeline/shared/common-config.ts';
import { retentionVariable } from '@image-pipeline/shared/jobs/retention.ts';
import { address, port, readConfig, seconds, text, type ConfigOf } from '@image-pipeline/shared/config.ts';

export const MIN_INTERVAL_SECONDS = 1;
export const MAX_INTERVAL_SECONDS = 3_600;

export const monitoringVariables = {
  ...commonVariables,
  ...accessTokenVariables,
  ...upstreamVariables,
  MONITORING_PORT: port(8002, 'monitoring service'),
  STATUS_UPDATE_INTERVAL: seconds({
    min: MIN_INTERVAL_SECONDS,
    max: MAX_INTERVAL_SECONDS,
    default: 1,
    description: 'interval of snapshots; PUT /interval replaces it',
  }),
  RETENTION: retentionVariable,
  UNACCOUNTED_AFTER: seconds({
    min: 1,
    max: 3_600,
    default: 30,
    description: 'a job in no queue for this long counts as unaccounted for',
  }),
  RABBITMQ_MANAGEMENT_URL: address({
    protocols: ['http', 'https'],
    default: 'http://localhost:15672',
    description: 'URL of the management API',
  }),
  RABBITMQ_MANAGEMENT_USER: text({
    default: 'guest',
    form: 'a name',
    example: 'monitoring',
    description: 'user with the tag monitoring',
  }),
  RABBITMQ_MANAGEMENT_PASSWORD: text({
    default: 'guest',
    form: 'a password',
    example: 'the output of: openssl rand -hex 32',
    description: 'its password',
  }),
} as const;

export type MonitoringConfig = ConfigOf<typeof monitoringVariables>;

/** @throws ConfigError with all problems at once */
export function readMonitoringConfig(env: NodeJS.ProcessEnv): MonitoringConfig {
  return readConfig(monitoringVariables, env, (given) => [
    ...refuseSamplePasswords(given),
    ...refuseWeakToken(given),
    ...refuseSampleManagementPassword(given),
  ]);
}

function refuseSampleManagementPassword(config: MonitoringConfig): string[] {
  const isSample = samplePasswords.includes(config.RABBITMQ_MANAGEMENT_PASSWORD);
  if (config.NODE_ENV !== 'production' || !isSample) return [];
  return [
    'RABBITMQ_MANAGEMENT_PASSWORD is a sample password, which NODE_ENV=production does not allow. Set another one (with Compose: RABBITMQ_MONITORING_PASSWORD)',
  ];
}
