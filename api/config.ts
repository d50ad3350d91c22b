import { accessTokenVariables, refuseWeakToken } from '@image-pipeline/shared/access-token.ts';
import { commonVariables, refuseSamplePasswords } from '@image-pipeline/shared/common-config.ts';
import {
  address,
  type ConfigOf,
  readConfig,
  seconds,
  text,
  wholeNumber,
} from '@image-pipeline/shared/config.ts';
import { publicAddress, publicApiUrl } from '@image-pipeline/shared/public-address.ts';
import { monitoringTimeoutVariables } from '@image-pipeline/shared/timeouts.ts';
import { upstreamVariables } from '@image-pipeline/shared/upstream-variables.ts';
import {
  refuseLoopbackReceivers,
  refuseWeakSecrets,
  webhookVariables,
} from '@image-pipeline/shared/webhooks/webhook-variables.ts';

export const apiVariables = {
  ...commonVariables,
  API_HOST: text({
    default: '127.0.0.1',
    form: 'an address of this machine',
    example: '127.0.0.1',
    description: 'address that the API listens on; 0.0.0.0: all addresses of the machine',
  }),
  API_PORT: wholeNumber({ min: 0, max: 65_535, default: 8000, description: 'port that the API listens on' }),
  PUBLIC_API_URL: publicApiUrl,
  PUBLIC_NOTIFICATION_URL: publicAddress(
    'ws',
    'public address of the notification service, used in links; empty: responses have no links to it',
  ),
  ...accessTokenVariables,
  ...webhookVariables,
  MONITORING_URL: address({
    protocols: ['http', 'https'],
    default: 'http://localhost:8002',
    description: 'address of the monitoring service, the source of /server/status and /queue/status',
  }),
  ...monitoringTimeoutVariables,
  STATUS_CACHE_TTL: seconds({
    min: 1,
    max: 86_400,
    default: 15,
    description:
      'maximum age of that status to count as current (at least 1.5 times STATUS_UPDATE_INTERVAL); older status is still returned, marked as not current',
  }),
  MAX_FILES: wholeNumber({
    min: 1,
    max: 100,
    default: 20,
    description: 'maximum number of files in one upload',
  }),
  UPLOADS_IN_FLIGHT: wholeNumber({
    min: 1,
    max: 10_000,
    default: 64,
    description: 'uploads processed at the same time; ten times as many can wait, further ones get 503',
  }),
  MAX_QUEUE_LENGTH: wholeNumber({
    min: 1,
    max: 10_000_000,
    default: 50_000,
    description: 'maximum number of jobs that wait for a worker; further uploads get 503',
  }),
  RATE_LIMIT_PER_MINUTE: wholeNumber({
    min: 0,
    max: 1_000_000,
    default: 6_000,
    description: 'maximum number of uploads per minute from one address; 0: no limit',
  }),
  ...upstreamVariables,
  THUMBNAIL_CACHE_TTL: seconds({
    min: 1,
    max: 86_400,
    default: 120,
    description: 'how long a thumbnail is cached in memory',
  }),
  THUMBNAIL_CACHE_BYTES: wholeNumber({
    min: 1024 * 1024,
    max: 1024 * 1024 * 1024,
    default: 32 * 1024 * 1024,
    unit: 'bytes',
    description: 'maximum size of the thumbnail cache',
  }),
  THUMBNAIL_TIMEOUT_MS: wholeNumber({
    min: 100,
    max: 600_000,
    default: 30_000,
    unit: 'milliseconds',
    description: 'time-out of a thumbnail request, including its wait for the object store; then 503',
  }),
  REPLAY_TIMEOUT_MS: wholeNumber({
    min: 1_000,
    max: 86_400_000,
    default: 600_000,
    unit: 'milliseconds',
    description:
      'how long a replay of dead letters waits for each job, including its retries, before it stops',
  }),
  API_HEADERS_TIMEOUT_MS: wholeNumber({
    min: 100,
    max: 600_000,
    default: 15_000,
    unit: 'milliseconds',
    description: 'time-out for receiving the headers of a request',
  }),
  API_REQUEST_TIMEOUT_MS: wholeNumber({
    min: 100,
    max: 3_600_000,
    default: 60_000,
    unit: 'milliseconds',
    description: 'time-out for receiving a whole request, including the files of an upload',
  }),
  TRUSTED_PROXIES: wholeNumber({
    min: 0,
    max: 10,
    default: 0,
    description: 'number of reverse proxies in front of the API; their X-Forwarded-For is trusted',
  }),
} as const;

export type ApiConfig = ConfigOf<typeof apiVariables>;

/** @throws ConfigError with all problems at once */
export function readApiConfig(env: NodeJS.ProcessEnv): ApiConfig {
  return readConfig(apiVariables, env, (config) => [
    ...refuseSamplePasswords(config),
    ...refuseWeakToken(config),
    ...refuseWeakSecrets(config),
    ...refuseLoopbackReceivers(config),
  ]);
}
