import { rm, symlink } from 'node:fs/promises';
import { startRabbitNode } from '../broker/rabbitmq-node.ts';
import { USUAL_PORTS } from '../broker/node-ports.ts';
import { announceWorkers, prometheusService } from '../prometheus/prometheus-service.ts';
import type { RunFolder } from '../supervisor/run-folder.ts';
import type { Addresses, SystemPlan } from '../supervisor/system-plan.ts';
import { nodeFlags } from './node-flags.ts';
import { readLocalConfig } from './local-config.ts';
import { chosenStore } from './chosen-store.ts';

const HOST = '127.0.0.1';

/**
 * The image pipeline without Docker: a RabbitMQ node of its own, the services as processes, a folder as store unless
 * STORE=minio is set.
 * @param env what every service gets, too, below what is decided here
 * @param prometheus the path of that program, where it is installed
 * @throws ConfigError with all problems at once
 */
export function pipelinePlan(run: RunFolder, env: NodeJS.ProcessEnv, prometheus?: string): SystemPlan {
  const config = readLocalConfig(env);
  const store = chosenStore(run, env);
  return {
    startBroker: async (again) => {
      const ports = again ? {} : { ports: USUAL_PORTS };
      const node = await startRabbitNode({ folder: run.rabbitmq, name: 'image-pipeline', ...ports });
      await rm(run.log('rabbitmq'), { force: true });
      await symlink(node.logFile, run.log('rabbitmq'));
      return node;
    },
    services: [
      {
        name: 'api',
        args: [...nodeFlags, 'api/main.ts'],
        firstPort: config.API_PORT,
        environment: () => ({}),
      },
      {
        name: 'notification',
        args: [...nodeFlags, 'notification/main.ts'],
        firstPort: config.NOTIFICATION_PORT,
        environment: () => ({}),
      },
      {
        name: 'monitoring',
        args: [...nodeFlags, 'monitoring/main.ts'],
        firstPort: config.MONITORING_PORT,
        environment: () => ({}),
      },
      ...(prometheus === undefined ? [] : [prometheusService(prometheus, run, config.PROMETHEUS_PORT)]),
    ],
    worker: {
      name: 'worker',
      args: [...nodeFlags, 'worker/main.ts'],
      firstPort: config.WORKER_PORT,
      environment: ({ name, port }) => ({ WORKER_NAME: name, WORKER_PORT: String(port) }),
    },
    workers: config.WORKERS,
    ...(prometheus === undefined ? {} : { onWorkers: announceWorkers(run) }),
    environment: (addresses) => ({
      ...env,
      TMPDIR: run.temp,
      ...store.variables,
      ...addressVariables(addresses),
    }),
    store: store.where,
  };
}

/** Where everybody finds everybody. */
function addressVariables({ broker, ports }: Addresses): NodeJS.ProcessEnv {
  const api = String(ports.get('api'));
  const notification = String(ports.get('notification'));
  const monitoring = String(ports.get('monitoring'));
  return {
    RABBITMQ_URL: broker.amqpUrl,
    RABBITMQ_MANAGEMENT_URL: broker.managementUrl,
    LISTEN_HOST: HOST,
    API_PORT: api,
    NOTIFICATION_PORT: notification,
    NOTIFICATION_URL: `http://${HOST}:${notification}`,
    MONITORING_PORT: monitoring,
    MONITORING_URL: `http://${HOST}:${monitoring}`,
    PUBLIC_API_URL: `http://localhost:${api}`,
    PUBLIC_NOTIFICATION_URL: `ws://localhost:${notification}`,
  };
}
