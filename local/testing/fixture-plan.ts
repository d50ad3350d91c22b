import { join } from 'node:path';
import { findRabbitNode } from '../broker/rabbitmq-node.ts';
import type { Broker, ServicePlan, SystemPlan } from '../supervisor/system-plan.ts';

/** A small system for the supervisor's tests: `api` and two workers, all of them fixture services. */
export function fixturePlan(brokerFolder: string, changes: Partial<SystemPlan> = {}): SystemPlan {
  return {
    startBroker: () => borrowedBroker(brokerFolder),
    services: [fixtureService('api', 21_000)],
    worker: fixtureService('worker', 21_100),
    workers: 2,
    environment: () => ({ PATH: process.env.PATH }),
    ...changes,
  };
}

export function fixtureService(name: string, firstPort: number, env: NodeJS.ProcessEnv = {}): ServicePlan {
  return {
    name,
    args: [join(import.meta.dirname, 'fixture-service.ts')],
    firstPort,
    environment: (self) => ({ ...env, NAME: self.name, PORT: String(self.port) }),
  };
}

/** The node of the test run: it is up already, and is not ours to stop. */
async function borrowedBroker(folder: string): Promise<Broker> {
  const node = await findRabbitNode(folder);
  if (node === undefined) throw new Error(`No RabbitMQ node runs in ${folder}.`);
  return {
    process: node.process,
    ports: node.ports,
    amqpUrl: node.amqpUrl,
    managementUrl: node.managementUrl,
    stop: () => Promise.resolve(),
  };
}
