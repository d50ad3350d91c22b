import { commonVariables } from '@image-pipeline/shared/common-config.ts';
import type { Variables } from '@image-pipeline/shared/config.ts';
import { apiVariables } from '../api/config.ts';
import { composeVariables } from '../local/compose/compose-config.ts';
import { localVariables } from '../local/pipeline/local-config.ts';
import { HEX_SECRETS } from '../local/pipeline/dotenv.ts';
import { monitoringVariables } from '../monitoring/config.ts';
import { notificationVariables } from '../notification/config.ts';
import { workerVariables } from '../worker/config.ts';
import { composeDefaults, decidedByCompose } from './compose-settings.ts';

/** The tables of all settings. Where two have the same name, the first one describes it. */
export const variableTables: readonly Variables[] = [
  localVariables,
  composeVariables,
  commonVariables,
  apiVariables,
  workerVariables,
  notificationVariables,
  monitoringVariables,
];

/** Settings without a default in `.env.example`; `make` fills them in. */
const filledIn: readonly string[] = [...HEX_SECRETS, 'WEBHOOK_SECRET', 'WEBHOOK_ALLOWED_HOSTS'];

/** The topics of `.env.example`: the title of each and its settings, in the order of the file. */
const topics: readonly (readonly [title: string, names: readonly string[]])[] = [
  ['Secrets and access; make fills these in', filledIn],
  ['System', ['RUNTIME', 'WORKERS', 'NODE_ENV', 'LOG_LEVEL', 'LOG_FORMAT']],
  [
    'Ports on this machine; without Docker, the next free one is used',
    [
      'API_PORT',
      'NOTIFICATION_PORT',
      'MONITORING_PORT',
      'PROMETHEUS_PORT',
      'GRAFANA_PORT',
      'RABBITMQ_MANAGEMENT_PORT',
      'MINIO_PORT',
      'MINIO_CONSOLE_PORT',
    ],
  ],
  [
    'Uploads and API',
    [
      'PUBLIC_API_URL',
      'PUBLIC_NOTIFICATION_URL',
      'ALLOWED_HOSTS',
      'TRUSTED_PROXIES',
      'KEEP_ALIVE_TIMEOUT_MS',
      'MAX_FILE_BYTES',
      'MAX_FILES',
      'MAX_ESTIMATED_SECONDS',
      'UPLOADS_IN_FLIGHT',
      'UPLOAD_MEMORY_MIB',
      'MAX_QUEUE_LENGTH',
      'RATE_LIMIT_PER_MINUTE',
    ],
  ],
  [
    'Workers and jobs',
    [
      'MAX_CONCURRENT_JOBS',
      'JOB_MEMORY_MIB',
      'WORKER_MEMORY',
      'WORKER_CPUS',
      'JOB_TIMEOUT_MS',
      'IMAGE_ENGINE',
      'STOP_TIMEOUT_MS',
      'STOP_GRACE_PERIOD',
      'RETRY_DELAYS',
    ],
  ],
  [
    'Object store',
    ['RETENTION', 'MINIO_ENDPOINT', 'MINIO_ACCESS_KEY', 'MINIO_SECRET_KEY', 'MINIO_BUCKET', 'MINIO_REGION'],
  ],
  ['RabbitMQ', ['RABBITMQ_USER', 'RABBITMQ_PASSWORD', 'JOBS_REMEMBERED']],
  ['WebSockets', ['WEBSOCKET_ORIGINS', 'WEBSOCKET_MAX_CONNECTIONS', 'WEBSOCKET_MAX_PER_ADDRESS']],
  ['Webhooks', ['WEBHOOK_RETRY_DELAYS', 'WEBHOOK_TIMEOUT_MS']],
  [
    'Status and thumbnails; times in seconds',
    [
      'STATUS_UPDATE_INTERVAL',
      'STATUS_CACHE_TTL',
      'UNACCOUNTED_AFTER',
      'UPSTREAM_MAX_CONCURRENT',
      'UPSTREAM_MIN_INTERVAL',
    ],
  ],
  ['Traces (docs/tracing.md)', ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_TRACES_SAMPLER_ARG']],
  [
    'Not used by Docker Compose, which sets these itself',
    [
      'RABBITMQ_URL',
      'RABBITMQ_MANAGEMENT_URL',
      'RABBITMQ_MANAGEMENT_USER',
      'RABBITMQ_MANAGEMENT_PASSWORD',
      'STORE',
      'STORE_FOLDER',
      'MONITORING_URL',
      'LISTEN_HOST',
      'WORKER_PORT',
      'WORKER_NAME',
    ],
  ],
];

/** The default depends on the machine, but the file must be the same on every machine. */
const machineDependent = 'MAX_CONCURRENT_JOBS';

function lineOf(name: string): string {
  const variable = variableTables.find((table) => name in table)?.[name];
  if (variable === undefined) throw new Error(`${name} is in a topic of .env.example but is not a setting`);
  if (filledIn.includes(name)) return `# ${variable.description}\n${name}=\n`;
  const compose = composeDefaults[name] ?? decidedByCompose[name] ?? '';
  const note = compose === '' ? '' : `; with Compose: ${compose}`;
  return `# ${variable.description}${note}\n# ${name}=${name === machineDependent ? '' : variable.default}\n`;
}

/**
 * `.env.example`: every setting once, by topic, with its description and default. The error
 * message for an invalid value lists the allowed ones.
 */
export function envExample(): string {
  const sections = topics.map(([title, names]) => `# --- ${title} ---\n${names.map(lineOf).join('')}`);
  return `# Settings of the image pipeline. \`make\` copies this file to .env; edit that copy. Missing, empty and commented-out
# settings have the default shown here. Environment variables override .env.

${sections.join('\n')}`;
}
