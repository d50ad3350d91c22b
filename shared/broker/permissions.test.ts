import { connect, type Channel } from 'amqplib';
import { afterAll, beforeAll, expect, inject, it, onTestFinished } from 'vitest';
import { testBroker, testVhost } from '../../testing/test-broker.ts';
import { permitServices, type Vhost } from '../../testing/vhost.ts';
import type { Broker } from './broker.ts';
import type { ServiceUser } from './permissions.ts';
import { exchangeNames } from './topology.ts';

let vhost: Vhost;
let urlOf: (user: ServiceUser) => string;
beforeAll(async () => {
  vhost = await testVhost();
  urlOf = await permitServices(inject('broker'), vhost);
});
afterAll(() => vhost.delete());

const SOON = { timeout: 20_000, interval: 20 };
const others = ['worker', 'notification', 'monitoring'] as const;

it.each(others)('%s waits for the API, which declares the topology', async (user) => {
  const anotherVhost = await testVhost();
  onTestFinished(() => anotherVhost.delete());
  const url = await permitServices(inject('broker'), anotherVhost);
  const broker = brokerAs(url(user), { ownsTopology: false });
  const starting = broker.start();
  await expect
    .poll(() => broker.unavailableBecause, SOON)
    .toMatch(/the exchange "image\.dlx" does not exist: waiting for the API/);
  await startedAs(url('api'));
  await starting;
  expect(broker.unavailableBecause).toBeUndefined();
});

it('what is deleted later is missed by all services, and declared again by the API', async () => {
  const brokers: Broker[] = [];
  await startedAs(urlOf('api'), { checkTopologyEverySeconds: 600 });
  for (const user of others) {
    brokers.push(await startedAs(urlOf(user), { ownsTopology: false, checkTopologyEverySeconds: 0.2 }));
  }
  await as('api', (channel) => channel.deleteQueue('image.webhooks.dead'));
  for (const broker of brokers) {
    await expect
      .poll(() => broker.unavailableBecause, SOON)
      .toMatch(
        /the queue "image\.webhooks\.dead" does not exist and cannot be declared: waiting for the API/,
      );
  }
  await startedAs(urlOf('api'));
  for (const broker of brokers) await expect.poll(() => broker.unavailableBecause, SOON).toBeUndefined();
});

const exchanges = [
  'image.jobs',
  'image.dlx',
  'image.retry',
  'image.events',
  'image.webhooks',
  'image.workers',
];
const direct = '(default)';

it.each([
  [
    'api',
    ['image.dlx', 'image.events', 'image.jobs', 'image.retry', 'image.webhooks', 'image.workers', direct],
  ],
  ['worker', ['image.events', 'image.jobs', 'image.retry', 'image.workers']],
  ['notification', ['image.events', 'image.webhooks']],
  ['monitoring', ['image.events', 'image.jobs']],
] as const)('%s can publish to these exchanges only: %j', async (user, expected) => {
  await startedAs(urlOf('api'));
  const accepted: string[] = [];
  for (const exchange of [...exchanges, 'amq.topic', direct]) {
    const name = exchange === direct ? '' : exchange;
    // No queue is bound for this key.
    if (await isPermitted(user, (channel) => void channel.publish(name, 'nothing', Buffer.from('')))) {
      accepted.push(exchange);
    }
  }
  expect(accepted.toSorted()).toEqual([...expected].toSorted());
});

const queues = [
  'image.jobs.process',
  'image.jobs.slow',
  'image.jobs.dead',
  'image.jobs.dead.recorder',
  'image.jobs.retry.50ms',
  'image.replays',
  'image.webhooks.deliver',
  'image.webhooks.dead',
  'image.webhooks.retry.50ms',
];

it.each([
  ['worker', ['image.jobs.process', 'image.jobs.slow']],
  ['notification', ['image.webhooks.deliver']],
  ['monitoring', []],
] as const)('%s can read these queues only: %j; it can delete none', async (user, expected) => {
  await startedAs(urlOf('api'));
  const readable: string[] = [];
  for (const queue of queues) {
    if (await isPermitted(user, (channel) => channel.get(queue))) readable.push(queue);
    expect(await isPermitted(user, (channel) => channel.deleteQueue(queue))).toBe(false);
  }
  expect(readable).toEqual(expected);
});

it('monitoring and notification can read the event log, and workers cannot', async () => {
  await startedAs(urlOf('api'));
  const readers = [];
  for (const user of ['api', ...others] as const) {
    const reads = await isPermitted(user, async (channel) => {
      await channel.prefetch(1);
      await channel.consume('image.events.log', () => undefined);
    });
    if (reads) readers.push(user);
  }
  expect(readers).toEqual(['api', 'notification', 'monitoring']);
});

it.each(['worker', 'notification'] as const)(
  '%s receives messages of image.workers through a queue of its own',
  async (user) => {
    const api = await startedAs(urlOf('api'));
    const broker = await startedAs(urlOf(user), { ownsTopology: false });
    const received: unknown[] = [];
    const subscription = broker.subscription({
      exchange: exchangeNames.workers,
      routingKey: 'key',
      onMessage: (body) => received.push(body),
    });
    onTestFinished(() => subscription.stop());
    await subscription.start();
    const message = { exchange: exchangeNames.workers, routingKey: 'key', body: { for: user } };
    const about = { messageId: '1', correlationId: '1', type: 'test', contentType: 'application/json' };
    await expect.poll(() => api.publisher.publishIfBound({ ...message, ...about }), SOON).toBe(true);
    await expect.poll(() => received, SOON).toContainEqual({ for: user });
  },
);

type Options = Parameters<typeof testBroker>[1];

function brokerAs(url: string, options: Options = {}): Broker {
  const broker = testBroker(url, options);
  onTestFinished(() => broker.stop());
  return broker;
}

async function startedAs(url: string, options?: Options): Promise<Broker> {
  const broker = brokerAs(url, options);
  await broker.start();
  return broker;
}

async function as(user: ServiceUser, work: (channel: Channel) => Promise<unknown>): Promise<void> {
  const connection = await connect(urlOf(user));
  try {
    const channel = await connection.createChannel();
    channel.on('error', () => undefined);
    await work(channel);
    // A publish is refused some time later; the broker handles the methods of a channel in order.
    await channel.checkExchange('image.events');
  } finally {
    await connection.close();
  }
}

async function isPermitted(user: ServiceUser, work: (channel: Channel) => unknown): Promise<boolean> {
  try {
    await as(user, (channel) => Promise.resolve(work(channel)));
    return true;
  } catch (error) {
    expect(String(error)).toMatch(/ACCESS_REFUSED/);
    return false;
  }
}
