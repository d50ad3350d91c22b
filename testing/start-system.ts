import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureRabbitmq } from '../local/install/install.ts';
import { findRabbitNode, startRabbitNode } from '../local/broker/rabbitmq-node.ts';
import type { RunningNode } from '../local/broker/running-node.ts';
import { nodeFlags } from '../local/pipeline/pipeline-plan.ts';
import { freePort } from '../local/process/free-port.ts';
import { RespawnedService } from './respawned-service.ts';

const ROOT = join(import.meta.dirname, '..');

/** A whole system for one test or benchmark: a RabbitMQ node, a store, and the services as processes. */
export interface System extends AsyncDisposable {
  /** All its files; the logs are in `logs`. */
  readonly folder: string;
  /** TMPDIR of every service. */
  readonly temp: string;
  readonly node: RunningNode;
  readonly api: RespawnedService;
  readonly notification: RespawnedService;
  readonly workers: readonly RespawnedService[];
  /** One or none. */
  readonly monitoring: readonly RespawnedService[];
  readonly services: readonly RespawnedService[];
  readonly apiUrl: string;
  readonly notificationUrl: string;
  /** Undefined without monitoring. */
  readonly monitoringUrl: string | undefined;
  /** Keeps the folder after the end of the system. */
  keepFolder(): void;
}

export interface SystemOptions {
  /** Part of the name of its temporary folder. */
  readonly name: string;
  readonly workers: number;
  /** Images that one worker processes concurrently. */
  readonly slots: number;
  /** Whether the monitoring service runs, which polls RabbitMQ's management API. Default: false. */
  readonly monitoring?: boolean;
  /**
   * More environment variables of every service. What is added to `cleanup` ends after the services.
   */
  readonly environment?: (made: {
    readonly folder: string;
    readonly node: RunningNode;
    readonly cleanup: AsyncDisposableStack;
  }) => NodeJS.ProcessEnv | Promise<NodeJS.ProcessEnv>;
}

/** Starts it on free ports in a temporary folder; resolves when every service is ready. */
export async function startSystem(options: SystemOptions): Promise<System> {
  await ensureRabbitmq();
  const folder = await mkdtemp(join(tmpdir(), `image-pipeline-${options.name}-`));
  const temp = join(folder, 'temp');
  await mkdir(temp);
  await mkdir(join(folder, 'logs'));
  let keep = false;
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(async () => {
    if (!keep) await rm(folder, { recursive: true, force: true });
  });
  cleanup.defer(async () => {
    await (await findRabbitNode(join(folder, 'rabbitmq')))?.kill();
  });
  const node = await startRabbitNode({ folder: join(folder, 'rabbitmq') });
  const ports = new Map<string, number>();
  const portOf = async (service: string) => {
    const port = ports.get(service) ?? (await freePort([], [...ports.values()]));
    ports.set(service, port);
    return port;
  };
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    LOG_LEVEL: 'warn',
    RATE_LIMIT_PER_MINUTE: '0',
    MAX_CONCURRENT_JOBS: String(options.slots),
    RABBITMQ_URL: node.amqpUrl,
    RABBITMQ_MANAGEMENT_URL: node.managementUrl,
    STORE: 'folder',
    STORE_FOLDER: join(folder, 'store'),
    PUBLIC_NOTIFICATION_URL: `ws://127.0.0.1:${await portOf('notification')}`,
    // Not the one of another system on this machine.
    MONITORING_URL: `http://127.0.0.1:${options.monitoring === true ? await portOf('monitoring') : 9}`,
    TMPDIR: temp,
    ...(await options.environment?.({ folder, node, cleanup })),
  };
  const services: RespawnedService[] = [];
  cleanup.defer(async () => {
    await Promise.all(services.map((service) => service.stop()));
  });
  const add = async (kind: 'api' | 'notification' | 'worker' | 'monitoring', name: string) => {
    const port = await portOf(name);
    const service = new RespawnedService({
      name,
      port,
      args: [...nodeFlags, `${kind}/main.ts`],
      env: { ...env, [`${kind.toUpperCase()}_PORT`]: String(port), WORKER_NAME: name },
      cwd: ROOT,
      logFile: join(folder, 'logs', `${name}.log`),
    });
    services.push(service);
    return service;
  };
  const monitoring = options.monitoring === true ? [await add('monitoring', 'monitoring')] : [];
  const monitoringUrl = monitoring[0] && `http://127.0.0.1:${monitoring[0].port}`;
  if (monitoringUrl !== undefined) env['MONITORING_URL'] = monitoringUrl;
  const api = await add('api', 'api');
  const notification = await add('notification', 'notification');
  const workers: RespawnedService[] = [];
  for (let n = 1; n <= options.workers; n++) workers.push(await add('worker', `worker-${n}`));
  await Promise.all(services.map((service) => service.start()));
  await Promise.all(services.map((service) => service.untilReady()));
  const all = cleanup.move();
  return {
    folder,
    temp,
    node,
    api,
    notification,
    workers,
    monitoring,
    services,
    apiUrl: `http://127.0.0.1:${api.port}`,
    notificationUrl: `ws://127.0.0.1:${notification.port}`,
    monitoringUrl,
    keepFolder: () => {
      keep = true;
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
