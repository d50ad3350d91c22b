import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { findRabbitNode } from '../broker/rabbitmq-node.ts';
import type { Exit } from '../supervisor/service-process.ts';
import type { Broker, ServicePlan, SystemPlan } from '../supervisor/system-plan.ts';

/** A small system for the supervisor's tests: `api` and two workers, all fixture services. */
export function fixturePlan(brokerFolder: string, changes: Partial<SystemPlan> = {}): SystemPlan {
  return {
    startBroker: () => borrowedBroker(brokerFolder),
    services: [fixtureService('api', anyPort())],
    worker: fixtureService('worker', anyPort()),
    workers: 2,
    environment: () => ({ PATH: process.env.PATH }),
    addressLines: () => [],
    ...changes,
  };
}

/** Random, because test files run at the same time. */
const anyPort = () => randomInt(21_000, 31_000);

export function fixtureService(name: string, firstPort: number, env: NodeJS.ProcessEnv = {}): ServicePlan {
  return {
    name,
    args: [join(import.meta.dirname, 'fixture-service.ts')],
    firstPort,
    environment: (self) => ({ ...env, NAME: self.name, PORT: String(self.port) }),
  };
}

/** The node of the test run: for the supervisor it stops, but it keeps running. */
export async function borrowedBroker(folder: string): Promise<Broker> {
  const node = await findRabbitNode(folder);
  if (node === undefined) throw new Error(`No RabbitMQ node runs in ${folder}.`);
  const { port, pid, ports, amqpUrl, managementUrl } = node;
  const stopped = Promise.withResolvers<Exit>();
  return {
    pid,
    port,
    exited: Promise.race([node.exited, stopped.promise]),
    ports,
    amqpUrl,
    managementUrl,
    probe: () => node.probe(),
    stop: () => {
      stopped.resolve({ code: 0, signal: null });
      return Promise.resolve();
    },
  };
}
