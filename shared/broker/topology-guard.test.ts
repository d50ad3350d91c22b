import { connect, type Channel } from 'amqplib';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { managementCall } from '../../testing/management-call.ts';
import { TcpProxy } from '../../testing/tcp-proxy.ts';
import { testBroker, testRetryDelays, testVhost } from '../../testing/test-broker.ts';
import type { Vhost } from '../../testing/vhost.ts';
import type { Broker } from './broker.ts';
import { buildTopology } from './topology.ts';

// Not `setUpSystem`, whose own client would declare what a test deletes.
let vhost: Vhost;
beforeAll(async () => {
  vhost = await testVhost();
});
afterAll(() => vhost.delete());

const topology = buildTopology({ jobs: testRetryDelays, webhooks: testRetryDelays });
const SOON = { timeout: 15_000, interval: 20 };

describe('a part of the topology that is deleted while everything runs', () => {
  it.each(topology.exchanges.map(({ name }) => name))('is declared again: exchange %s', async (name) => {
    const broker = await startedBroker();
    await onChannel((channel) => channel.deleteExchange(name));
    await expect.poll(() => exists('exchanges', name), SOON).toBe(true);
    await untilAvailable(broker);
  });

  it.each(topology.queues.map(({ name }) => name))('is declared again: queue %s', async (name) => {
    const broker = await startedBroker();
    await onChannel((channel) => channel.deleteQueue(name));
    await expect.poll(() => exists('queues', name), SOON).toBe(true);
    await untilAvailable(broker);
  });

  const bindings = topology.queues.flatMap(({ name, bindings }) => bindings.map((to) => ({ name, ...to })));
  it.each(bindings)(
    'is declared again when a message was returned: binding of $name to $exchange',
    async ({ name, exchange, routingKey }) => {
      const broker = await startedBroker();
      await onChannel((channel) => channel.unbindQueue(name, exchange, routingKey));
      // Nothing is bound for this key, so the message is returned, whatever else is bound to the exchange.
      await expect(broker.publisher.publish(message('image.jobs', 'nothing'))).rejects.toThrow(/no queue/);
      await expect.poll(() => isBound(name, exchange, routingKey), SOON).toBe(true);
      await untilAvailable(broker);
    },
  );

  it('is named as long as it cannot be declared', async () => {
    const { user, permit } = await userWithPermissions();
    const broker = await startedBroker(user);
    await permit({ configure: '^$' });
    await onChannel((channel) => channel.deleteQueue('image.webhooks.dead'));
    await expect
      .poll(() => broker.unavailableBecause, SOON)
      .toMatch(/the queue "image\.webhooks\.dead" does not exist.*refused for user/);
    await permit({});
    await untilAvailable(broker);
    expect(await exists('queues', 'image.webhooks.dead')).toBe(true);
  });

  describe('of an earlier version', () => {
    const sac = { 'x-queue-type': 'quorum', 'x-delivery-limit': 1_000_000, 'x-single-active-consumer': true };
    const declareEarlier = (messages: number) =>
      onChannel(async (channel) => {
        await channel.assertExchange('image.dlx', 'topic', { durable: true });
        await channel.deleteQueue('image.jobs.dead');
        await channel.assertQueue('image.jobs.dead', { durable: true, arguments: sac });
        await channel.bindQueue('image.jobs.dead', 'image.dlx', 'job.dead');
        for (let i = 0; i < messages; i++) channel.sendToQueue('image.jobs.dead', Buffer.from('dead'));
        const counted = async () => (await channel.checkQueue('image.jobs.dead')).messageCount;
        await expect.poll(counted, SOON).toBe(messages);
      });
    /** As "Get messages" of the management UI: refused (405) for a queue with a single active consumer. */
    const getMessages = () =>
      managementCall(inject('broker'), 'POST', `queues/${vhost.name}/image.jobs.dead/get`, {
        count: 1,
        ackmode: 'ack_requeue_true',
        encoding: 'auto',
      });

    it('is redeclared if it is empty', async () => {
      await declareEarlier(0);
      await untilAvailable(await startedBroker());
      await expect(getMessages()).resolves.toEqual([]);
      expect(await isBound('image.jobs.dead', 'image.dlx', 'job.dead')).toBe(true);
    });

    it('keeps its messages, and is redeclared once it is empty', async () => {
      await declareEarlier(2);
      const broker = await startedBroker();
      await untilAvailable(broker);
      expect(await broker.queues.inspect('image.jobs.dead')).toMatchObject({ ready: 2 });
      await onChannel((channel) => channel.purgeQueue('image.jobs.dead'));
      await expect.poll(() => getMessages().catch(() => 'refused'), SOON).toEqual([]);
    });
  });

  it('is named when somebody has declared it with other arguments', async () => {
    const broker = await startedBroker(vhost.amqpUrl, 30);
    await onChannel(async (channel) => {
      await channel.deleteQueue('image.replays');
      await channel.assertQueue('image.replays', { durable: true });
    });
    await expect(broker.publisher.publish(message('image.jobs', 'nothing'))).rejects.toThrow(/no queue/);
    await expect
      .poll(() => broker.unavailableBecause, SOON)
      .toMatch(/queue "image\.replays" already exists with another "x-/);
    await onChannel((channel) => channel.deleteQueue('image.replays'));
    await untilAvailable(broker);
    expect(await exists('queues', 'image.replays')).toBe(true);
  });
});

describe('a broker that does not accept messages', () => {
  it('is unavailable in its own words while permissions are revoked, and recovers by itself', async () => {
    const { user, permit } = await userWithPermissions();
    const broker = await startedBroker(user);
    await permit({ write: '^$' });
    await publishUntilUnavailable(broker, 'image.jobs', 'job.process');
    expect(broker.unavailableBecause).toMatch(/access to exchange 'image\.jobs'.*refused for user/);
    await permit({});
    await untilAvailable(broker);
    await broker.publisher.publish(message('image.jobs', 'job.process'));
  });

  it.each([
    ['image.jobs', 'job.process', 'image.jobs.process'],
    ['image.dlx', 'webhook.dead', 'image.webhooks.dead'],
    ['', 'image.replays', 'image.replays'],
  ])('is unavailable while a policy limits a queue: "%s" "%s"', async (exchange, key, queue) => {
    const broker = await startedBroker();
    await setPolicy(queue, { 'max-length': 0, overflow: 'reject-publish' });
    await publishUntilUnavailable(broker, exchange, key);
    expect(broker.unavailableBecause).toMatch(/exchange "\S*" with the key "\S+" \(nack/);
    await removePolicy();
    await untilAvailable(broker);
  });

  it('is available again after the first message that it accepts', async () => {
    const broker = await startedBroker();
    await setPolicy('image.jobs.process', { 'max-length': 0, overflow: 'reject-publish' });
    await publishUntilUnavailable(broker, 'image.jobs', 'job.process');
    await removePolicy();
    await expect
      .poll(() => broker.publisher.publish(message('image.jobs', 'job.process')), SOON)
      .toBeUndefined();
    expect(broker.unavailableBecause).toBeUndefined();
  });

  it('is probed with messages that consumers discard', async () => {
    const broker = await startedBroker();
    await setPolicy('image.replays', { 'max-length': 0, overflow: 'reject-publish' });
    await publishUntilUnavailable(broker, '', 'image.replays');
    await removePolicy();
    await untilAvailable(broker);
    const received: unknown[] = [];
    const consumer = broker.consumer({
      queue: 'image.replays',
      prefetch: 10,
      onDelivery: ({ content }) => {
        received.push(JSON.parse(content.toString()));
        return Promise.resolve('ack');
      },
    });
    onTestFinished(() => consumer.stop());
    await consumer.start();
    await expect.poll(async () => (await broker.queues.inspect('image.replays')).ready, SOON).toBe(0);
    expect(received).not.toContainEqual({ version: 1 });
  });

  it('goes on after a reconnection while its permissions are revoked', async () => {
    const { user, permit } = await userWithPermissions();
    const proxy = await TcpProxy.before(user);
    onTestFinished(() => proxy.close());
    const broker = await startedBroker(proxy.url);
    const failures: unknown[] = [];
    broker.on('fatal', (error) => failures.push(error));
    await permit({ configure: '^$', write: '^$', read: '^$' });
    proxy.cut();
    await expect.poll(() => broker.unavailableBecause, SOON).toMatch(/refused/);
    await permit({});
    await untilAvailable(broker);
    await broker.publisher.publish(message('image.jobs', 'job.process'));
    expect(failures).toEqual([]);
  });
});

async function startedBroker(url = vhost.amqpUrl, checkTopologyEverySeconds = 0.5): Promise<Broker> {
  const broker = testBroker(url, { topology, checkTopologyEverySeconds });
  onTestFinished(() => broker.stop());
  await broker.start();
  return broker;
}

const untilAvailable = (broker: Broker) => expect.poll(() => broker.unavailableBecause, SOON).toBeUndefined();

async function publishUntilUnavailable(broker: Broker, exchange: string, key: string): Promise<void> {
  await expect
    .poll(async () => {
      await broker.publisher.publish(message(exchange, key)).catch(() => undefined);
      return broker.unavailableBecause;
    }, SOON)
    .toBeDefined();
}

let serial = 0;
function message(exchange: string, routingKey: string) {
  const messageId = `message-${++serial}`;
  const contentType = 'application/json';
  return {
    exchange,
    routingKey,
    body: { serial },
    messageId,
    correlationId: messageId,
    type: 'job',
    contentType,
  };
}

/** A raw client of the test's own. */
async function onChannel<Result>(work: (channel: Channel) => Promise<Result>): Promise<Result> {
  const connection = await connect(vhost.amqpUrl);
  try {
    return await work(await connection.createChannel());
  } finally {
    await connection.close();
  }
}

const ask = (method: 'GET' | 'PUT' | 'DELETE', path: string, body?: unknown) =>
  managementCall(inject('broker'), method, path, body);

const exists = (kind: 'exchanges' | 'queues', name: string) =>
  ask('GET', `${kind}/${vhost.name}/${name}`).then(
    () => true,
    () => false,
  );

async function isBound(queue: string, exchange: string, routingKey: string): Promise<boolean> {
  const bindings = await ask('GET', `bindings/${vhost.name}/e/${exchange}/q/${queue}`);
  return JSON.stringify(bindings).includes(`"routing_key":${JSON.stringify(routingKey)}`);
}

const POLICY = 'limit';
async function setPolicy(queue: string, definition: object): Promise<void> {
  const pattern = `^${queue.replaceAll('.', '\\.')}$`;
  await ask('PUT', `policies/${vhost.name}/${POLICY}`, { pattern, definition, 'apply-to': 'queues' });
}
const removePolicy = () => ask('DELETE', `policies/${vhost.name}/${POLICY}`);

/** A user of the vhost, as an AMQP URL, whose permissions can be changed. */
async function userWithPermissions() {
  const name = `user-${++serial}-${process.pid}`;
  const permit = (changes: Partial<Record<'configure' | 'write' | 'read', string>>) =>
    ask('PUT', `permissions/${vhost.name}/${name}`, { configure: '.*', write: '.*', read: '.*', ...changes });
  await ask('PUT', `users/${name}`, { password: name, tags: '' });
  onTestFinished(async () => {
    await ask('DELETE', `users/${name}`);
  });
  await permit({});
  const url = new URL(vhost.amqpUrl);
  url.username = name;
  url.password = name;
  return { user: url.href, permit };
}
