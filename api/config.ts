import { accessTokenVariables, refuseWeakToken } from '@image-pipeline/shared/access-token.ts';
import {
  commonVariables,
  monitoringUrl,
  publicApiUrl,
  publicNotificationUrl,
  refuseSamplePasswords,
  upstreamVariables,
} from '@image-pipeline/shared/common-config.ts';
import { port, readConfig, seconds, wholeNumber, type ConfigOf } from '@image-pipeline/shared/config.ts';
import { retentionVariable } from '@image-pipeline/shared/jobs/retention.ts';
import {
  refuseLoopbackReceivers,
  refuseWeakSecrets,
  webhookVariables,
} from '@image-pipeline/shared/webhooks/webhook-variables.ts';

export const apiVariables = {
  ...commonVariables,
  API_PORT: port(8000, 'API'),
  PUBLIC_API_URL: publicApiUrl,
  PUBLIC_NOTIFICATION_URL: publicNotificationUrl,
  RABBITMQ_MANAGEMENT_PORT: port(15_672, 'RabbitMQ management UI, for a link on the web page; 0: no link'),
  GRAFANA_PORT: port(3000, 'Grafana, for a link on the web page; 0: no link'),
  MINIO_CONSOLE_PORT: port(9001, 'MinIO console, for a link on the web page; 0: no link'),
  ...accessTokenVariables,
  ...webhookVariables,
  MONITORING_URL: monitoringUrl,
  STATUS_CACHE_TTL: seconds({
    min: 1,
    max: 86_400,
    default: 15,
    description: 'older status data is stale (at least 1.5 × STATUS_UPDATE_INTERVAL)',
  }),
  MAX_FILES: wholeNumber({
    min: 1,
    max: 100,
    default: 20,
    description: 'maximum number of files per upload',
  }),
  UPLOADS_IN_FLIGHT: wholeNumber({
    min: 1,
    max: 10_000,
    default: 64,
    description: 'maximum concurrent uploads, fewer if memory is small; ten times as many can wait',
  }),
  UPLOAD_MEMORY_MIB: wholeNumber({
    min: 0,
    max: 65_536,
    default: 128,
    description: 'memory for the files of uploads in progress; the rest goes to temporary files',
  }),
  MAX_ESTIMATED_SECONDS: wholeNumber({
    min: 1,
    max: 600,
    default: 6,
    unit: 'seconds',
    description: 'maximum estimated time to process an image on one core; more costly uploads are refused',
  }),
  MAX_QUEUE_LENGTH: wholeNumber({
    min: 1,
    max: 10_000_000,
    default: 50_000,
    description: 'maximum waiting jobs; further uploads get 503',
  }),
  RATE_LIMIT_PER_MINUTE: wholeNumber({
    min: 0,
    max: 1_000_000,
    default: 6_000,
    description: 'maximum uploads per client address; 0: unlimited',
  }),
  RETENTION: retentionVariable,
  ...upstreamVariables,
  TRUSTED_PROXIES: wholeNumber({
    min: 0,
    max: 10,
    default: 0,
    description: 'number of trusted reverse proxies (X-Forwarded-For)',
  }),
} as const;

export type ApiConfig = ConfigOf<typeof apiVariables>;

/** Limits that are no settings; tests change some. Times in milliseconds unless their name says seconds. */
export const apiLimits = {
  /** To receive the headers of a request, and a whole request. */
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 60_000,
  /** For an upload to get a slot. */
  uploadWaitMs: 20_000,
  /** For the first byte of an upload that has a slot. */
  uploadFirstByteMs: 5_000,
  /** Minimum rate of an upload in bytes per second, measured over each window after the first. */
  uploadMinRate: 8 * 1024,
  uploadRateWindowMs: 10_000,
  /** Concurrent downloads of results and originals, and the time for one to get a slot. */
  downloads: 64,
  downloadWaitMs: 10_000,
  /** Minimum rate of a download in bytes per second, on average after the grace time. */
  downloadMinRate: 8 * 1024,
  downloadGraceMs: 20_000,
  /** For a thumbnail, including its wait in the queue. */
  thumbnailTimeoutMs: 30_000,
  thumbnailTtlSeconds: 120,
  /** For a replayed job to finish, plus its retry delays. */
  replayTimeoutMs: 600_000,
  /** A failed run without a dead letter after this time is recorded without its message. */
  unrecordedAfterMs: 60_000,
  /**
   * The longest delivery of a webhook: a consumer holds a message for at most 10 minutes (`HOLD_MS`), then it puts it back.
   */
  webhookDeliveryMs: 720_000,
  /** For a snapshot of the monitoring service. */
  monitoringTimeoutMs: 2_000,
  /** For monitoring to republish jobs: it stops after 30 s, and then waits for what it has begun. */
  republishTimeoutMs: 45_000,
};

export type ApiLimits = typeof apiLimits & {
  readonly confirmTimeoutMs: number;
  readonly eventsReplayed: number;
};

/** @throws ConfigError with all problems at once */
export function readApiConfig(env: NodeJS.ProcessEnv): ApiConfig {
  return readConfig(apiVariables, env, (config) => [
    ...refuseSamplePasswords(config),
    ...refuseWeakToken(config),
    ...refuseWeakSecrets(config),
    ...refuseLoopbackReceivers(config),
  ]);
}
