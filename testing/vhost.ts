import { randomUUID } from 'node:crypto';
import { permissionsOfServices, type ServiceUser } from '@image-pipeline/shared/broker/permissions.ts';
import { findRabbitNode } from '../local/broker/rabbitmq-node.ts';
import { managementCall } from './management-call.ts';
import type { TestBroker } from './global-setup/broker.ts';

/** How long connections that were just closed may still be counted. */
const CLOSING_MS = 2_000;

/** A virtual host, whose exchanges and queues are separate from all others on the node. */
export interface Vhost {
  readonly name: string;
  readonly amqpUrl: string;
  readonly managementUrl: string;
  /** Deliveries that no consumer has acknowledged. */
  unacknowledged(): Promise<number>;
  /** Removes it with everything in it. @throws Error if a test has left a connection open */
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
    unacknowledged: async () => {
      const channels = await list(broker, 'channels', name, 'messages_unacknowledged');
      return channels.reduce((sum, count) => sum + Number(count), 0);
    },
    delete: async () => {
      const leaked = await openConnections(broker, name);
      await managementCall(broker, 'DELETE', `vhosts/${name}`);
      if (leaked > 0)
        throw new Error(`${leaked} connection(s) to the broker are still open at the end of the test.`);
    },
  };
}

/** Gives the users of the services their permissions in this vhost, too. @returns the URL for a user */
export async function permitServices(
  broker: TestBroker,
  { name, amqpUrl }: Vhost,
): Promise<(user: ServiceUser) => string> {
  for (const [user, permissions] of Object.entries(permissionsOfServices)) {
    await managementCall(broker, 'PUT', `permissions/${name}/${user}`, permissions);
  }
  return (user) => amqpUrl.replace(/\/\/[^@]*@/, `//${user}:${user}@`);
}

async function openConnections(broker: TestBroker, vhost: string): Promise<number> {
  const deadline = performance.now() + CLOSING_MS;
  for (;;) {
    const { length: count } = await list(broker, 'connections', vhost, 'name');
    if (count === 0 || performance.now() > deadline) return count;
  }
}

/** One column of a list of this vhost. From the node itself, because the management API lags by some seconds. */
async function list(
  broker: TestBroker,
  what: 'connections' | 'channels',
  vhost: string,
  column: string,
): Promise<string[]> {
  const node = await findRabbitNode(broker.folder);
  if (node === undefined) throw new Error('The RabbitMQ node of this test run has ended.');
  const rows = await node.ctl(['--quiet', '--no-table-headers', `list_${what}`, 'vhost', column]);
  return rows.split('\n').flatMap((row) => {
    const [owner, value = ''] = row.split('\t');
    return owner === vhost ? [value] : [];
  });
}
