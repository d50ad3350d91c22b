import type { Service } from '@image-pipeline/shared/service.ts';
import type { ApiConfig, ApiLimits } from '../api/config.ts';
import type { MonitoringConfig } from '../monitoring/config.ts';
import type { MonitoringLimits } from '../monitoring/service.ts';
import type { NotificationConfig } from '../notification/config.ts';
import type { NotificationOptions } from '../notification/service.ts';
import type { WorkerConfig } from '../worker/config.ts';
import { TOKEN } from './api-client.ts';
import { testRetryDelays } from './test-broker.ts';
import type { TestPlace } from './test-place.ts';

/** No service listens on it. */
const NO_SERVICE = 'http://127.0.0.1:9';

const RETRY_DELAYS = testRetryDelays.map(({ label }) => label).join(',');

/** Settings that differ from the defaults: free ports, no waits, no other services. */
const ownSettings = {
  api: { API_PORT: '0', MONITORING_URL: NO_SERVICE },
  notification: { NOTIFICATION_PORT: '0', MONITORING_URL: NO_SERVICE },
  monitoring: {
    MONITORING_PORT: '0',
    STATUS_UPDATE_INTERVAL: '1',
    UPSTREAM_MIN_INTERVAL: '0',
    API_TOKEN: TOKEN,
  },
  worker: { WORKER_PORT: '0', WORKER_NAME: 'worker-1', MAX_CONCURRENT_JOBS: '1' },
} as const;

type ServiceName = keyof typeof ownSettings;

/** The environment variables of a service that runs on this vhost and store. */
export function environmentOf(service: ServiceName, { vhost, storeFolder }: TestPlace): NodeJS.ProcessEnv {
  return {
    RABBITMQ_URL: vhost.amqpUrl,
    RABBITMQ_MANAGEMENT_URL: vhost.managementUrl,
    RETRY_DELAYS: RETRY_DELAYS,
    WEBHOOK_RETRY_DELAYS: RETRY_DELAYS,
    STORE: 'folder',
    STORE_FOLDER: storeFolder,
    LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'silent',
    ...ownSettings[service],
  };
}

/**
 * Changes to the settings of a service. Text is read like an environment variable; other values replace what was read,
 * even if the service would reject them.
 */
export type Settings<Config> = { readonly [Name in keyof Config]?: Config[Name] | string };

// Imported when they are called: most tests need one service.

export async function createApi(
  place: TestPlace,
  settings: Settings<ApiConfig>,
  limits: Partial<ApiLimits> = {},
): Promise<Service> {
  const [{ readApiConfig }, service] = await Promise.all([
    import('../api/config.ts'),
    import('../api/service.ts'),
  ]);
  return service.createApi(configOf('api', readApiConfig, place, settings), {
    monitoringTimeoutMs: 500,
    ...limits,
  });
}

export async function createNotification(
  place: TestPlace,
  settings: Settings<NotificationConfig>,
  options: Partial<NotificationOptions> = {},
): Promise<Service> {
  const [{ readNotificationConfig }, service] = await Promise.all([
    import('../notification/config.ts'),
    import('../notification/service.ts'),
  ]);
  const config = configOf('notification', readNotificationConfig, place, settings);
  return service.createNotification(config, options);
}

export async function createMonitoring(
  place: TestPlace,
  settings: Settings<MonitoringConfig>,
  limits: Partial<MonitoringLimits> = {},
): Promise<Service> {
  const [{ readMonitoringConfig }, service] = await Promise.all([
    import('../monitoring/config.ts'),
    import('../monitoring/service.ts'),
  ]);
  return service.createMonitoring(configOf('monitoring', readMonitoringConfig, place, settings), limits);
}

export async function createWorker(place: TestPlace, settings: Settings<WorkerConfig>): Promise<Service> {
  const [{ readWorkerConfig }, service] = await Promise.all([
    import('../worker/config.ts'),
    import('../worker/service.ts'),
  ]);
  return service.createWorker(configOf('worker', readWorkerConfig, place, settings));
}

function configOf<Config extends object>(
  service: ServiceName,
  read: (environment: NodeJS.ProcessEnv) => Config,
  place: TestPlace,
  settings: Settings<Config>,
): Config {
  const environment = environmentOf(service, place);
  const values: Record<string, unknown> = {};
  for (const [name, value] of Object.entries<unknown>(settings)) {
    if (typeof value === 'string') environment[name] = value;
    else values[name] = value;
  }
  return { ...read(environment), ...values };
}
