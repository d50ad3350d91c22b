import { randomUUID } from 'node:crypto';
import { findRabbitNode } from '../local/broker/rabbitmq-node.ts';
import { managementCall } from './management-call.ts';
import type { TestBroker } from './global-setup/broker.ts';

/** How long connections that were just closed may still be counted. */
const CLOSING_MS = 2_000;

/** A virtual host: exchanges and queues of its own, apart from everybody else's on the same node. */
export interface Vhost {
  readonly name: string;
  readonly amqpUrl: string;
  readonly managementUrl: string;
  /** Removes it with all that is in it. Throws if a connection to it is still open: a test has leaked it. */
  delete(): Promise<void>;
}

/** A fresh virtual host, so that test files can run side by side on one broker. */
export async function createVhost(broker: TestBroker): Promise<Vhost> {
  const name = `test-${randomUUID()}`;
  await managementCall(broker, 'PUT', `vhosts/${name}`, {});
  await managementCall(broker, 'PUT', `permissions/${name}/${broker.username}`, {
    configure: '.*',
    write: '.*',
    read: '.*',
  });
  return {
    name,
    amqpUrl: `${broker.amqpUrl}/${name}`,
    managementUrl: broker.managementUrl,
    delete: async () => {
      const leaked = await openConnections(broker, name);
      await managementCall(broker, 'DELETE', `vhosts/${name}`);
      if (leaked > 0)
        throw new Error(`${leaked} connection(s) to the broker are still open at the end of the test.`);
    },
  };
}

/** Asks the node itself: the management API lists a new connection only after some seconds. */
async function openConnections(broker: TestBroker, vhost: string): Promise<number> {
  const node = await findRabbitNode(broker.folder);
  if (node === undefined) throw new Error('The RabbitMQ node of this test run has ended.');
  const deadline = performance.now() + CLOSING_MS;
  for (;;) {
    const open = (await node.ctl(['--quiet', '--no-table-headers', 'list_connections', 'vhost'])).split('\n');
    const count = open.filter((line) => line === vhost).length;
    if (count === 0 || performance.now() > deadline) return count;
  }
}
