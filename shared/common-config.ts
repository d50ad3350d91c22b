import { z } from 'zod';
import { brokerAddresses } from './broker/broker-addresses.ts';
import { DEFAULT_JOB_LADDER, DEFAULT_WEBHOOK_LADDER, parseLadder, type Rung } from './broker/topology.ts';
import { address, choice, text, wholeNumber, type ConfigOf, type Variable } from './config.ts';
import { timeoutVariables } from './timeouts.ts';
import { logFormats, logLevels } from './log.ts';
import { tracingVariables } from './tracing/tracing-variables.ts';

const MIB = 1024 * 1024;

const ladder = (fallback: string, description: string): Variable<readonly Rung[]> => ({
  schema: z.string().transform((given, context) => {
    try {
      return parseLadder(given);
    } catch {
      context.addIssue({ code: 'custom', message: 'not a ladder' });
      return z.NEVER;
    }
  }),
  default: fallback,
  form: 'delays with their units (ms, s, m, h; at most 24h), divided by commas',
  example: fallback,
  description,
});

/** What every service reads. */
export const commonVariables = {
  NODE_ENV: choice({
    values: ['development', 'production', 'test'],
    default: 'development',
    description: 'production refuses sample passwords and logs JSON',
  }),
  LOG_LEVEL: choice({ values: logLevels, default: 'info', description: 'the least important line to log' }),
  LOG_FORMAT: choice({
    values: ['auto', ...logFormats],
    default: 'auto',
    description: 'pretty: lines for people; json; auto: json in production, else pretty',
  }),
  RABBITMQ_URL: brokerAddresses,
  PUBLISHES_IN_FLIGHT: wholeNumber({
    min: 1,
    max: 10_000,
    default: 256,
    description: 'messages of one service that may wait for their confirm at once',
  }),
  RETRY_LADDER: ladder(DEFAULT_JOB_LADDER, 'how long a job waits before its 2nd, 3rd, … attempt'),
  WEBHOOK_RETRY_LADDER: ladder(
    DEFAULT_WEBHOOK_LADDER,
    'how long a webhook waits before its 2nd, 3rd, … attempt',
  ),
  STORE: choice({
    values: ['minio', 'folder'],
    default: 'minio',
    description: 'where images live: MinIO (or any S3), or a folder of this machine',
  }),
  STORE_FOLDER: text({
    default: './.run/store',
    form: 'a path',
    example: './.run/store',
    description: 'the folder, with STORE=folder',
  }),
  MINIO_ENDPOINT: address({
    protocols: ['http', 'https'],
    default: 'http://localhost:9000',
    description: 'where MinIO (or another S3) is, with STORE=minio',
  }),
  MINIO_ACCESS_KEY: text({
    default: 'minioadmin',
    form: 'a name',
    example: 'minioadmin',
    description: 'the user of the store',
  }),
  MINIO_SECRET_KEY: text({
    default: 'minioadmin',
    form: 'a password',
    example: 'minioadmin',
    description: 'the password of that user',
  }),
  MINIO_BUCKET: text({
    default: 'images',
    form: 'a bucket name',
    example: 'images',
    description: 'the bucket; made if it is not there',
  }),
  MINIO_REGION: text({
    default: 'us-east-1',
    form: 'a region',
    example: 'us-east-1',
    description: 'the region of the bucket',
  }),
  ...timeoutVariables,
  EVENTS_REPLAYED: wholeNumber({
    min: 1_000,
    max: 1_000_000,
    default: 20_000,
    description: 'how many of the newest events a service reads when it starts',
  }),
  JOBS_REMEMBERED: wholeNumber({
    min: 100,
    max: 1_000_000,
    default: 10_000,
    description: 'how many of the newest jobs a service keeps in memory; older ones are read from the store',
  }),
  MAX_FILE_BYTES: wholeNumber({
    min: 1_024,
    max: 256 * MIB,
    default: 10 * MIB,
    unit: 'bytes',
    description: 'the largest image that is taken',
  }),
  STOP_TIMEOUT_MS: wholeNumber({
    min: 100,
    max: 600_000,
    default: 30_000,
    unit: 'milliseconds',
    description: 'how long a service may take to stop',
  }),
  ...tracingVariables,
} as const;

export type CommonConfig = ConfigOf<typeof commonVariables>;

/** What everybody knows. */
export const samplePasswords: readonly string[] = [
  '',
  'guest',
  'minioadmin',
  'monitoring',
  'password',
  'changeme',
  'secret',
];

/** In production, what everybody knows is no password. */
export function refuseSamplePasswords(config: CommonConfig): string[] {
  if (config.NODE_ENV !== 'production') return [];
  const problems: string[] = [];
  const passwords = config.RABBITMQ_URL.map((url) => decodeURIComponent(new URL(url).password));
  if (passwords.some((password) => samplePasswords.includes(password))) {
    problems.push(
      'RABBITMQ_URL has a sample password or none, which NODE_ENV=production refuses: set a real one (with Compose RABBITMQ_PASSWORD)',
    );
  }
  if (config.STORE === 'minio' && samplePasswords.includes(config.MINIO_SECRET_KEY)) {
    problems.push('MINIO_SECRET_KEY is a sample password, which NODE_ENV=production refuses: set a real one');
  }
  return problems;
}

/** The log settings that the configuration asks for. */
export function logOptions(config: CommonConfig) {
  const automatic = config.NODE_ENV === 'production' ? 'json' : 'pretty';
  return { level: config.LOG_LEVEL, format: config.LOG_FORMAT === 'auto' ? automatic : config.LOG_FORMAT };
}

/** What the configuration says of recording traces. */
export function tracingOptions(config: CommonConfig) {
  return { endpoint: config.OTEL_EXPORTER_OTLP_ENDPOINT, ratio: config.OTEL_TRACES_SAMPLER_ARG };
}
