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
    description: 'listen address; 0.0.0.0: all interfaces',
  }),
  API_PORT: wholeNumber({ min: 0, max: 65_535, default: 8000, description: 'port of the API' }),
  PUBLIC_API_URL: publicApiUrl,
  PUBLIC_NOTIFICATION_URL: publicAddress('ws', 'base URL of WebSocket links in responses; empty: no links'),
  ...accessTokenVariables,
  ...webhookVariables,
  MONITORING_URL: address({
    protocols: ['http', 'https'],
    default: 'http://localhost:8002',
    description: '',
  }),
  ...monitoringTimeoutVariables,
  STATUS_CACHE_TTL: seconds({
    min: 1,
    max: 86_400,
    default: 15,
    description: 'older status data count as stale (at least 1.5 × STATUS_UPDATE_INTERVAL)',
  }),
  MAX_FILES: wholeNumber({ min: 1, max: 100, default: 20, description: 'files per upload' }),
  UPLOADS_IN_FLIGHT: wholeNumber({
    min: 1,
    max: 10_000,
    default: 64,
    description: 'concurrent uploads; ten times as many may wait',
  }),
  MAX_QUEUE_LENGTH: wholeNumber({
    min: 1,
    max: 10_000_000,
    default: 50_000,
    description: 'waiting jobs; further uploads get 503',
  }),
  RATE_LIMIT_PER_MINUTE: wholeNumber({
    min: 0,
    max: 1_000_000,
    default: 6_000,
    description: 'uploads per client address; 0: unlimited',
  }),
  ...upstreamVariables,
  THUMBNAIL_CACHE_TTL: seconds({
    min: 1,
    max: 86_400,
    default: 120,
    description: '',
  }),
  THUMBNAIL_TIMEOUT_MS: wholeNumber({
    min: 100,
    max: 600_000,
    default: 30_000,
    unit: 'milliseconds',
    description: '',
  }),
  REPLAY_TIMEOUT_MS: wholeNumber({
    min: 1_000,
    max: 86_400_000,
    default: 600_000,
    unit: 'milliseconds',
    description: 'time for a replayed job to finish, including its retries',
  }),
  API_HEADERS_TIMEOUT_MS: wholeNumber({
    min: 100,
    max: 600_000,
    default: 15_000,
    unit: 'milliseconds',
    description: 'time to receive the headers of a request',
  }),
  API_REQUEST_TIMEOUT_MS: wholeNumber({
    min: 100,
    max: 3_600_000,
    default: 60_000,
    unit: 'milliseconds',
    description: 'time to receive a whole request',
  }),
  TRUSTED_PROXIES: wholeNumber({
    min: 0,
    max: 10,
    default: 0,
    description: 'reverse proxies in front of the API (X-Forwarded-For)',
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
