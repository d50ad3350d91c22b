import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { ensureRabbitmq } from '../../local/install/install.ts';
import { startRabbitNode } from '../../local/broker/rabbitmq-node.ts';

/** The RabbitMQ node of a test run. */
export interface TestBroker {
  /** Without a virtual host. Tests use one of their own: see createVhost. */
  readonly amqpUrl: string;
  readonly managementUrl: string;
  readonly prometheusUrl: string;
  readonly username: string;
  readonly password: string;
  /** The node's folder: `await findRabbitNode(folder)` gives its rabbitmqctl. */
  readonly folder: string;
}

declare module 'vitest' {
  export interface ProvidedContext {
    broker: TestBroker;
  }
}

/** vitest globalSetup: one temporary RabbitMQ node for the whole test run, `inject('broker')` in a test. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await ensureRabbitmq();
  const folder = await mkdtemp(join(tmpdir(), 'broker-'));
  const node = await startRabbitNode({ folder });
  project.provide('broker', {
    amqpUrl: node.amqpUrl,
    managementUrl: node.managementUrl,
    prometheusUrl: node.prometheusUrl,
    username: 'guest',
    password: 'guest',
    folder,
  });
  return async () => {
    await node.kill();
    await rm(folder, { recursive: true, force: true });
  };
}
