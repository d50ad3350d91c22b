import { allowedHostsVariable } from './http/allowed-hosts.ts';
import { z } from 'zod';
import { brokerAddresses } from './broker/broker-addresses.ts';
import { permissionsOfServices, type ServiceUser } from './broker/permissions.ts';
import {
  DEFAULT_JOB_RETRY_DELAYS,
  DEFAULT_WEBHOOK_RETRY_DELAYS,
  parseRetryDelays,
  type RetryDelay,
} from './broker/topology.ts';
import {
  address,
  choice,
  publicAddress,
  seconds,
  text,
  wholeNumber,
  type ConfigOf,
  type Variable,
} from './config.ts';
import { logFormats, logLevels } from './log.ts';

const MIB = 1024 * 1024;

const retryDelays = (fallback: string, description: string): Variable<readonly RetryDelay[]> => ({
  schema: z.string().transform((given, context) => {
    try {
      return parseRetryDelays(given);
    } catch {
      context.addIssue({ code: 'custom', message: 'invalid retry delays' });
      return z.NEVER;
    }
  }),
  default: fallback,
  form: 'comma-separated delays with units (ms, s, m or h; at most 24h each)',
  example: fallback,
  description,
});

const ratio: Variable<number> = {
  schema: z
    .string()
    .regex(/^\d(\.\d{1,6})?$/)
    .transform(Number)
    .pipe(z.number().min(0).max(1)),
  default: '1',
  form: 'a number from 0 to 1',
  example: '0.05',
  description: 'ratio of new traces to record, 0 to 1',
};

/** The settings of every service. */
export const commonVariables = {
  NODE_ENV: choice({
    values: ['development', 'production', 'test'],
    default: 'development',
    description: 'development, test or production (no sample passwords; logs JSON)',
  }),
  LOG_LEVEL: choice({
    values: logLevels,
    default: 'info',
    description: 'minimum level: debug, info, warn, error or silent',
  }),
  LOG_FORMAT: choice({
    values: ['auto', ...logFormats],
    default: 'auto',
    description: 'pretty, json or auto (json in production)',
  }),
  LISTEN_HOST: text({
    default: '127.0.0.1',
    form: 'an address of this machine',
    example: '127.0.0.1',
    description: 'listen address; 0.0.0.0: all interfaces',
  }),
  ALLOWED_HOSTS: allowedHostsVariable,
  KEEP_ALIVE_TIMEOUT_MS: wholeNumber({
    min: 1_000,
    max: 3_600_000,
    default: 75_000,
    unit: 'milliseconds',
    description: 'time after which an idle connection is closed; longer than that of a proxy in front',
  }),
  RABBITMQ_URL: brokerAddresses,
  RETRY_DELAYS: retryDelays(DEFAULT_JOB_RETRY_DELAYS, 'retry delays of jobs'),
  WEBHOOK_RETRY_DELAYS: retryDelays(DEFAULT_WEBHOOK_RETRY_DELAYS, 'retry delays'),
  STORE: choice({
    values: ['minio', 'folder'],
    default: 'minio',
    description: 'minio (or any S3-compatible store) or folder; make without Docker: folder',
  }),
  STORE_FOLDER: text({
    default: './.run/store',
    form: 'a path',
    example: './.run/store',
    description: 'folder of STORE=folder',
  }),
  MINIO_ENDPOINT: address({
    protocols: ['http', 'https'],
    default: 'http://localhost:9000',
    description: 'URL of MinIO or another S3-compatible store',
  }),
  MINIO_ACCESS_KEY: text({
    default: 'minioadmin',
    form: 'a name',
    example: 'minioadmin',
    description: 'access key',
  }),
  MINIO_SECRET_KEY: text({
    default: 'minioadmin',
    form: 'a password',
    example: 'minioadmin',
    description: 'secret key',
  }),
  MINIO_BUCKET: text({
    default: 'images',
    form: 'a bucket name',
    example: 'images',
    description: 'bucket; created if missing',
  }),
  MINIO_REGION: text({
    default: 'us-east-1',
    form: 'a region',
    example: 'us-east-1',
    description: 'region',
  }),
  JOBS_REMEMBERED: wholeNumber({
    min: 100,
    max: 1_000_000,
    default: 10_000,
    description: 'newest jobs, and events for reconnecting clients, kept in memory',
  }),
  MAX_FILE_BYTES: wholeNumber({
    min: 1_024,
    max: 256 * MIB,
    default: 10 * MIB,
    unit: 'bytes',
    description: 'maximum size of an image',
  }),
  STOP_TIMEOUT_MS: wholeNumber({
    min: 100,
    max: 600_000,
    default: 30_000,
    unit: 'milliseconds',
    description: 'time to finish current work before stopping',
  }),
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    ...publicAddress('http', 'URL of an OTLP/HTTP collector; empty: no traces'),
    example: 'http://localhost:4318',
  },
  OTEL_TRACES_SAMPLER_ARG: ratio,
} as const;

/** The limits of each RequestQueue: one for thumbnails from the store, another one for the management API. */
export const upstreamVariables = {
  UPSTREAM_MAX_CONCURRENT: wholeNumber({
    min: 1,
    max: 100,
    default: 3,
    description: 'concurrent calls to the management API; concurrent thumbnail reads',
  }),
  UPSTREAM_MIN_INTERVAL: seconds({
    min: 0,
    max: 60,
    default: 0.1,
    description: 'minimum time between two such calls',
  }),
} as const;

/** MinIO requires at least 8 characters. Compose 2 takes a `$` in .env for a variable, so it is not allowed. */
const minioPassword = (service: ServiceUser): Variable<string> => ({
  schema: z.string().regex(/^[\w.~-]{8,}$/),
  default: `minio-${service}`,
  form: 'at least 8 letters, digits and . _ ~ -',
  example: 'the output of: openssl rand -hex 32',
  description: `password of MinIO's user ${service} (Compose)`,
  isSecret: true,
});

/** The passwords of the users that minio-setup.ts creates. */
export const minioPasswordVariables = {
  MINIO_API_PASSWORD: minioPassword('api'),
  MINIO_WORKER_PASSWORD: minioPassword('worker'),
  MINIO_NOTIFICATION_PASSWORD: minioPassword('notification'),
  MINIO_MONITORING_PASSWORD: minioPassword('monitoring'),
} as const;

/** The URL of the monitoring service for other services. */
export const monitoringUrl = address({
  protocols: ['http', 'https'],
  default: 'http://localhost:8002',
  description: 'URL of the monitoring service',
});

/** The URL of the API for clients. */
export const publicApiUrl = publicAddress('http', 'base URL of links; empty: relative links');
export const publicNotificationUrl = publicAddress('ws', 'base URL of WebSocket links; empty: no links');

export type CommonConfig = ConfigOf<typeof commonVariables>;

/** Well-known default passwords. */
export const samplePasswords: readonly string[] = [
  '',
  'guest',
  'minioadmin',
  ...Object.keys(permissionsOfServices),
  ...Object.values(minioPasswordVariables).map((variable) => variable.default),
  'password',
  'changeme',
  'secret',
];

/** The problem of a setting with a well-known default password, in production. */
export const samplePassword = (setting: string): string =>
  `${setting} is a sample password, which NODE_ENV=production does not allow. Set another one`;

/** In production, well-known default passwords are not allowed. */
export function refuseSamplePasswords(config: CommonConfig): string[] {
  if (config.NODE_ENV !== 'production') return [];
  const problems: string[] = [];
  const passwords = config.RABBITMQ_URL.map((url) => decodeURIComponent(new URL(url).password));
  if (passwords.some((password) => samplePasswords.includes(password))) {
    problems.push(
      'RABBITMQ_URL has a sample password or none, which NODE_ENV=production does not allow. Set another one (with Compose: RABBITMQ_API_PASSWORD, RABBITMQ_WORKER_PASSWORD, …)',
    );
  }
  if (config.STORE === 'minio' && samplePasswords.includes(config.MINIO_SECRET_KEY)) {
    problems.push(
      `${samplePassword('MINIO_SECRET_KEY')} (with Compose: MINIO_API_PASSWORD, MINIO_WORKER_PASSWORD, …)`,
    );
  }
  return problems;
}

/** The options of the logger. */
export function logOptions(config: Pick<CommonConfig, 'NODE_ENV' | 'LOG_FORMAT' | 'LOG_LEVEL'>) {
  const automatic = config.NODE_ENV === 'production' ? 'json' : 'pretty';
  return { level: config.LOG_LEVEL, format: config.LOG_FORMAT === 'auto' ? automatic : config.LOG_FORMAT };
}

/** The options of tracing. */
export function tracingOptions(config: CommonConfig) {
  return { endpoint: config.OTEL_EXPORTER_OTLP_ENDPOINT, ratio: config.OTEL_TRACES_SAMPLER_ARG };
}
