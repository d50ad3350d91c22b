import { rm, symlink } from 'node:fs/promises';
import { DEFAULT_PORTS } from '../broker/node-record.ts';
import { startRabbitNode, stopRabbitNode } from '../broker/rabbitmq-node.ts';
import { announceWorkers, prometheusService } from '../prometheus/prometheus-service.ts';
import type { RunFolder } from '../supervisor/run-folder.ts';
import type { Addresses, Broker, ServicePlan, SystemPlan } from '../supervisor/system-plan.ts';
import { chosenStore } from './chosen-store.ts';
import { readLocalConfig } from './local-config.ts';

const HOST = '127.0.0.1';

/**
 * Flags of Node for every service. By default, V8 lets the young generation grow to 16 MB and more per semi-space under
 * load. With the small one, `--heap-growing-percent=100` lets the old one double before it is collected. With 40 %, the
 * buffers of uploads caused 8 times as many collections, a quarter of the CPU time of an upload, and saved 20 MiB.
 */
export const nodeFlags: readonly string[] = ['--max-semi-space-size=8', '--heap-growing-percent=100'];

/**
 * The image pipeline without Docker: a RabbitMQ node of its own, the services as processes, and a folder as store unless
 * STORE=minio is set.
 * @param env every service gets it, too; the variables that are set here override it
 * @param prometheus the path of the program, if it is installed
 * @throws ConfigError with all problems at once
 */
export function pipelinePlan(run: RunFolder, env: NodeJS.ProcessEnv, prometheus?: string): SystemPlan {
  const config = readLocalConfig(env);
  const store = chosenStore(run, env);
  return {
    startBroker: async (again) => {
      // The node of a supervisor that was killed is stopping; it cannot be used.
      if (!again) await stopRabbitNode(run.rabbitmq);
      const ports = again ? {} : { ports: DEFAULT_PORTS };
      const options = { folder: run.rabbitmq, name: 'image-pipeline', detached: false };
      const node = await startRabbitNode({ ...options, ...ports });
      await rm(run.log('rabbitmq'), { force: true });
      await symlink(node.logFile, run.log('rabbitmq'));
      return node;
    },
    services: [
      nodeService('api', config.API_PORT),
      nodeService('notification', config.NOTIFICATION_PORT),
      nodeService('monitoring', config.MONITORING_PORT),
      ...(prometheus === undefined ? [] : [prometheusService(prometheus, run, config.PROMETHEUS_PORT)]),
    ],
    worker: {
      ...nodeService('worker', config.WORKER_PORT),
      environment: ({ name, port }) => ({ WORKER_NAME: name, WORKER_PORT: String(port) }),
    },
    workers: config.WORKERS,
    ...(prometheus === undefined ? {} : { onWorkers: announceWorkers(run) }),
    environment: (found, service) => ({
      ...env,
      TMPDIR: run.temp,
      ...store.variables,
      ...addressVariables(found),
      RABBITMQ_URL: urlFor(service, found.broker),
    }),
    addressLines: (found) => addressLines(found, store.where),
  };
}

function nodeService(name: string, firstPort: number): ServicePlan {
  return { name, args: [...nodeFlags, `${name}/main.ts`], firstPort, environment: () => ({}) };
}

/** Each service has a RabbitMQ user of its own; its password is its name (node-files.ts). */
function urlFor(service: string, { amqpUrl }: Broker): string {
  const url = new URL(amqpUrl);
  url.username = service;
  url.password = service;
  return url.href;
}

function addressVariables({ broker, ports }: Addresses): NodeJS.ProcessEnv {
  const api = String(ports.get('api'));
  const notification = String(ports.get('notification'));
  const monitoring = String(ports.get('monitoring'));
  return {
    RABBITMQ_MANAGEMENT_URL: broker.managementUrl,
    RABBITMQ_MANAGEMENT_USER: 'monitoring',
    RABBITMQ_MANAGEMENT_PASSWORD: 'monitoring',
    LISTEN_HOST: HOST,
    API_PORT: api,
    NOTIFICATION_PORT: notification,
    NOTIFICATION_URL: `http://${HOST}:${notification}`,
    MONITORING_PORT: monitoring,
    MONITORING_URL: `http://${HOST}:${monitoring}`,
    // What the web page links to; Grafana and MinIO run with Docker only.
    RABBITMQ_MANAGEMENT_PORT: String(broker.ports.management),
    GRAFANA_PORT: '0',
    MINIO_CONSOLE_PORT: '0',
    PUBLIC_API_URL: `http://localhost:${api}`,
    PUBLIC_NOTIFICATION_URL: `ws://localhost:${notification}`,
  };
}

function addressLines({ broker, ports }: Addresses, store: string): string[] {
  const on = (name: string) => `localhost:${ports.get(name) ?? '?'}`;
  return [
    `  Page and API   http://${on('api')}`,
    `  API docs       http://${on('api')}/docs`,
    `  Notifications  ws://${on('notification')}/ws`,
    `  Monitoring     http://${on('monitoring')}/status  (make monitor)`,
    `  RabbitMQ       http://localhost:${broker.ports.management}  (guest / guest)`,
    ...(ports.has('prometheus') ? [`  Prometheus     http://${on('prometheus')}`] : []),
    `  Images         ${store}`,
  ];
}
