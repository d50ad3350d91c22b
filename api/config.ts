import { accessTokenVariables, refuseWeakToken } from '@image-pipeline/shared/access-token.ts';
import { commonVariables, refuseSamplePasswords } from '@image-pipeline/shared/common-config.ts';
import {
  address,
  readConfig,
  seconds,
  text,
  wholeNumber,
  type ConfigOf,
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
    description: 'where the API listens; 0.0.0.0 is every address of the machine',
  }),
  API_PORT: wholeNumber({ min: 0, max: 65_535, default: 8000, description: 'the port of the API' }),
  PUBLIC_API_URL: publicApiUrl,
  PUBLIC_NOTIFICATION_URL: publicAddress(
    'ws',
    'where callers find the notification service, for links in answers; empty: there are none',
  ),
  ...accessTokenVariables,
  ...webhookVariables,
  MONITORING_URL: address({
    protocols: ['http', 'https'],
    default: 'http://localhost:8002',
    description: 'where the monitoring service is, whose figures /server/status and /queue/status show',
  }),
  ...monitoringTimeoutVariables,
  STATUS_CACHE_TTL: seconds({
    min: 1,
    max: 86_400,
    default: 15,
    description:
      'how old those figures may be and still count as current, or one and a half STATUS_UPDATE_INTERVAL where that is more; older ones are shown all the same',
  }),
  MAX_FILES: wholeNumber({ min: 1, max: 100, default: 20, description: 'files that one upload may carry' }),
  UPLOADS_IN_FLIGHT: wholeNumber({
    min: 1,
    max: 10_000,
    default: 64,
    description: 'uploads that are received at once; ten times as many may wait, further ones get 503',
  }),
  MAX_QUEUE_LENGTH: wholeNumber({
    min: 1,
    max: 10_000_000,
    default: 50_000,
    description: 'jobs that may wait for a worker; further uploads get 503 until there are fewer',
  }),
  RATE_LIMIT_PER_MINUTE: wholeNumber({
    min: 0,
    max: 1_000_000,
    default: 6_000,
    description: 'uploads that one address may start in a minute; 0: any number',
  }),
  ...upstreamVariables,
  THUMBNAIL_CACHE_TTL: seconds({
    min: 1,
    max: 86_400,
    default: 120,
    description: 'how long a thumbnail is kept in memory',
  }),
  THUMBNAIL_CACHE_BYTES: wholeNumber({
    min: 1024 * 1024,
    max: 1024 * 1024 * 1024,
    default: 32 * 1024 * 1024,
    unit: 'bytes',
    description: 'what all thumbnails in memory may take',
  }),
  THUMBNAIL_TIMEOUT_MS: wholeNumber({
    min: 100,
    max: 600_000,
    default: 30_000,
    unit: 'milliseconds',
    description: 'how long a thumbnail may take, waiting for its turn at the store included; then 503',
  }),
  REPLAY_TIMEOUT_MS: wholeNumber({
    min: 1_000,
    max: 86_400_000,
    default: 600_000,
    unit: 'milliseconds',
    description:
      'how long a replay from the dead letter queue waits for the end of each job, its retries included, before it stops',
  }),
  API_HEADERS_TIMEOUT_MS: wholeNumber({
    min: 100,
    max: 600_000,
    default: 15_000,
    unit: 'milliseconds',
    description: 'how long the head of a request may take to arrive',
  }),
  API_REQUEST_TIMEOUT_MS: wholeNumber({
    min: 100,
    max: 3_600_000,
    default: 60_000,
    unit: 'milliseconds',
    description: 'how long a whole request, with the files of an upload, may take to arrive',
  }),
  TRUSTED_PROXIES: wholeNumber({
    min: 0,
    max: 10,
    default: 0,
    description: 'reverse proxies before the API whose X-Forwarded-For tells the address of the caller',
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
