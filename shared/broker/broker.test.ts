import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'amqplib';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { setUpSystem } from '../../testing/test-system.ts';
import type { TcpProxy } from '../../testing/tcp-proxy.ts';
import { testBroker, testTimeouts } from '../../testing/test-broker.ts';
import type { Broker } from './broker.ts';
import type { ReceivedMessage, Settlement } from './consumer.ts';
import { BrokerMisconfigured, connectFailure } from './misconfiguration.ts';
import { PublishRefused, PublishUnconfirmed, type OutgoingMessage } from './publisher.ts';
import { buildTopology, exchangeNames, queueNames, routingKeys, type Topology } from './topology.ts';

const system = setUpSystem();
let proxy: TcpProxy;
beforeEach(async () => {
  proxy = await system.proxyBefore(system.vhost.amqpUrl);
  await withChannel(async (channel) => {
    for (const queue of [queueNames.process, queueNames.dead, queueNames.deadRecorder])
      await channel.purgeQueue(queue);
  });
});

/** How many messages the queue has for other consumers. */
const readyIn = async (broker: Broker, queue: string) => (await broker.queues.inspect(queue)).ready;

describe('publishing', () => {
  it('settles when the queue has the message, with its properties', async () => {
    const broker = await startedBroker();
    const message = job();
    await broker.publisher.publish(message);
    const stored = await withChannel((channel) => channel.get(queueNames.process, { noAck: true }));
    if (stored === false) throw new Error('no message');
    expect(JSON.parse(stored.content.toString())).toEqual(message.body);
    expect(stored.properties).toMatchObject({
      messageId: message.messageId,
      correlationId: message.correlationId,
      appId: 'test',
      deliveryMode: 2,
      contentType: 'application/json',
      headers: { 'x-attempt': 1 },
    });
  });

  it('refuses a message that no queue is bound for', async () => {
    const broker = await startedBroker();
    await expect(broker.publisher.publish(job({ routingKey: 'job.unknown' }))).rejects.toThrow(
      /no queue is bound to exchange "image.jobs" for "job.unknown"/,
    );
    await broker.publisher.publish(job());
  });

  it('refuses a message that the broker nacks, and no other', async () => {
    const broker = await startedBroker();
    await withChannel(async (channel) => {
      await channel.assertQueue('full', {
        arguments: { 'x-queue-type': 'classic', 'x-max-length': 0, 'x-overflow': 'reject-publish' },
      });
      await channel.bindQueue('full', exchangeNames.jobs, 'job.full');
    });
    const results = await Promise.allSettled([
      broker.publisher.publish(job()),
      broker.publisher.publish(job({ routingKey: 'job.full' })),
      broker.publisher.publish(job()),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(results[1]).toMatchObject({ reason: expect.any(PublishRefused) as unknown });
  });

  it('says that the fate of a message is unknown when no confirm comes in time', async () => {
    const broker = await startedBroker(proxy.url, { confirmMs: 300 });
    await broker.publisher.publish(job());
    proxy.freeze();
    await expect(broker.publisher.publish(job())).rejects.toBeInstanceOf(PublishUnconfirmed);
    await proxy.resume();
  });

  it('closes a connection that is silent for two heartbeats, and works again on the next one', async () => {
    const broker = await startedBroker(proxy.url, { heartbeatS: 1 });
    expect(broker.unavailableBecause).toBeUndefined();
    proxy.freeze();
    await expect.poll(() => broker.unavailableBecause, { timeout: 5_000 }).toMatch(/no connection/);
    await proxy.resume();
    await expect.poll(() => broker.unavailableBecause, { timeout: 10_000 }).toBeUndefined();
    await broker.publisher.publish(job());
  });

  it('says so too when the connection breaks before the confirm, then works again', async () => {
    const broker = await startedBroker(proxy.url);
    await broker.publisher.publish(job());
    proxy.freeze();
    const publishing = broker.publisher.publish(job());
    const failed = expect(publishing).rejects.toBeInstanceOf(PublishUnconfirmed);
    await sleep(50);
    proxy.cut();
    await failed;
    await proxy.resume();
    await vi.waitFor(() => broker.publisher.publish(job()), { timeout: 10_000, interval: 100 });
  });

  it('refuses at once while there is no connection', async () => {
    const broker = await startedBroker(proxy.url);
    await proxy.refuse();
    proxy.cut();
    await vi.waitFor(() => expect(broker.unavailableBecause).toMatch(/no connection/));
    await expect(broker.publisher.publish(job())).rejects.toBeInstanceOf(PublishRefused);
    await proxy.resume();
    await vi.waitFor(() => expect(broker.unavailableBecause).toBeUndefined(), { timeout: 10_000 });
    await broker.publisher.publish(job());
  });

  it('holds many publishes in flight and loses none', async () => {
    const broker = await startedBroker();
    await Promise.all(Array.from({ length: 1_000 }, () => broker.publisher.publish(job())));
    expect(await broker.queues.inspect(queueNames.process)).toEqual({ ready: 1_000, consumers: 0 });
  });

  it('refuses when too many wait already', async () => {
    const broker = await startedBroker(system.vhost.amqpUrl, {}, { maxPublishesInFlight: 1 });
    const results = await Promise.allSettled(
      Array.from({ length: 30 }, () => broker.publisher.publish(job())),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(11);
  });
});

describe('consuming', () => {
  it('holds at most its prefetch', async () => {
    const broker = await startedBroker();
    await Promise.all(Array.from({ length: 6 }, () => broker.publisher.publish(job())));
    const gate = Promise.withResolvers<undefined>();
    const { deliveries, consumer } = collect(
      broker,
      async () => {
        await gate.promise;
        return 'ack';
      },
      2,
    );
    await consumer.start();
    await vi.waitFor(() => expect(deliveries).toHaveLength(2));
    await sleep(100);
    expect(deliveries).toHaveLength(2);
    gate.resolve(undefined);
    await vi.waitFor(() => expect(deliveries).toHaveLength(6));
    await consumer.stop();
  });

  it('comes back with its prefetch after the connection broke, and gets unsettled work again', async () => {
    const broker = await startedBroker(proxy.url);
    const lost = Promise.withResolvers<Settlement>();
    const { deliveries, consumer } = collect(
      broker,
      ({ deliveryNumber }) => (deliveryNumber > 1 ? Promise.resolve('ack') : lost.promise),
      1,
    );
    await consumer.start();
    await broker.publisher.publish(job());
    await vi.waitFor(() => expect(deliveries).toHaveLength(1));
    proxy.cut();
    await vi.waitFor(() => expect(deliveries).toHaveLength(2), { timeout: 10_000 });
    expect(deliveries[0]?.lost.aborted).toBe(true);
    expect(deliveries.map(({ deliveryNumber }) => deliveryNumber)).toEqual([1, 2]);
    lost.resolve('ack');
    await vi.waitFor(() => expect(broker.unavailableBecause).toBeUndefined(), { timeout: 10_000 });
    await broker.publisher.publish(job());
    await vi.waitFor(() => expect(deliveries).toHaveLength(3));
    await consumer.stop();
  });

  it('comes back when the broker cancels it because the queue was deleted', async () => {
    const broker = await startedBroker();
    const { deliveries, consumer } = collect(broker, () => Promise.resolve('ack'));
    await consumer.start();
    await withChannel((channel) => channel.deleteQueue(queueNames.process));
    await vi.waitFor(
      async () => expect(await broker.queues.inspect(queueNames.process)).toMatchObject({ consumers: 1 }),
      { timeout: 10_000 },
    );
    await broker.publisher.publish(job());
    await vi.waitFor(() => expect(deliveries).toHaveLength(1), { timeout: 10_000 });
    await consumer.stop();
  });

  it('gives back what its handler throws over', async () => {
    const broker = await startedBroker();
    const { deliveries, consumer } = collect(broker, (delivery) => {
      if (delivery.deliveryNumber < 3) throw new Error('not now');
      return Promise.resolve('ack');
    });
    await consumer.start();
    await broker.publisher.publish(job());
    await vi.waitFor(() => expect(deliveries).toHaveLength(3));
    await consumer.stop();
  });

  it.each<[Settlement, number]>([
    ['ack', 0],
    ['dead-letter', 0],
    ['requeue', 1],
    ['hand-back', 1],
  ])('settles a message as its handler returns: %s', async (settlement, returns) => {
    const broker = await startedBroker();
    const { deliveries, consumer } = collect(broker, ({ deliveryNumber }) =>
      Promise.resolve(deliveryNumber === 1 ? settlement : 'ack'),
    );
    await consumer.start();
    await broker.publisher.publish(job());
    await vi.waitFor(() => expect(deliveries).toHaveLength(1 + returns));
    await vi.waitFor(async () =>
      expect([
        await readyIn(broker, queueNames.dead),
        await readyIn(broker, queueNames.deadRecorder),
      ]).toEqual(settlement === 'dead-letter' ? [1, 1] : [0, 0]),
    );
    await consumer.stop();
    expect(await readyIn(broker, queueNames.process)).toBe(0);
  });

  it('drops the settlement of a message whose channel was closed meanwhile', async () => {
    const broker = await startedBroker(proxy.url);
    const gate = Promise.withResolvers<undefined>();
    const { deliveries, consumer } = collect(
      broker,
      async ({ deliveryNumber }) => {
        if (deliveryNumber === 1) await gate.promise;
        return 'ack';
      },
      1,
    );
    await consumer.start();
    await broker.publisher.publish(job());
    await vi.waitFor(() => expect(deliveries).toHaveLength(1));
    proxy.cut();
    await vi.waitFor(() => expect(deliveries).toHaveLength(2), { timeout: 10_000 });
    gate.resolve(undefined);
    await vi.waitFor(() => expect(broker.unavailableBecause).toBeUndefined(), { timeout: 10_000 });
    await broker.publisher.publish(job());
    await vi.waitFor(() => expect(deliveries).toHaveLength(3));
    expect(consumer.isConsuming).toBe(true);
    await consumer.stop();
  });

  it('hands back a message whose handler throws while it stops', async () => {
    const broker = await startedBroker();
    const gate = Promise.withResolvers<undefined>();
    const { deliveries, consumer } = collect(broker, async () => {
      await gate.promise;
      throw new Error('stopped');
    });
    await consumer.start();
    await broker.publisher.publish(job());
    await vi.waitFor(() => expect(deliveries).toHaveLength(1));
    const stopped = consumer.stop();
    gate.resolve(undefined);
    await stopped;
    await vi.waitFor(async () => expect(await readyIn(broker, queueNames.process)).toBe(1));
    expect(deliveries).toHaveLength(1);
  });

  it('stops by taking nothing new and finishing its current deliveries', async () => {
    const broker = await startedBroker();
    await Promise.all(Array.from({ length: 4 }, () => broker.publisher.publish(job())));
    const gate = Promise.withResolvers<undefined>();
    const { deliveries, consumer } = collect(
      broker,
      async () => {
        await gate.promise;
        return 'ack';
      },
      2,
    );
    await consumer.start();
    await vi.waitFor(() => expect(deliveries).toHaveLength(2));
    const stopped = Promise.all([consumer.stop(), consumer.stop()]);
    gate.resolve(undefined);
    await stopped;
    expect(deliveries).toHaveLength(2);
    await vi.waitFor(async () =>
      expect(await broker.queues.inspect(queueNames.process)).toEqual({ ready: 2, consumers: 0 }),
    );
  });

  it('hands back what is not finished when its drain timeout ends', async () => {
    const broker = await startedBroker();
    await broker.publisher.publish(job());
    const { deliveries, consumer } = collect(broker, () => new Promise<Settlement>(() => undefined));
    await consumer.start();
    await vi.waitFor(() => expect(deliveries).toHaveLength(1));
    await consumer.stop(50);
    expect(deliveries[0]?.lost.aborted).toBe(true);
    await vi.waitFor(async () =>
      expect(await broker.queues.inspect(queueNames.process)).toEqual({ ready: 1, consumers: 0 }),
    );
  });

  it('takes nothing new when the connection comes back while it stops', async () => {
    const broker = await startedBroker(proxy.url);
    const gate = Promise.withResolvers<undefined>();
    const { deliveries, consumer } = collect(broker, () => gate.promise.then(() => 'ack' as const), 1);
    await consumer.start();
    await broker.publisher.publish(job());
    await vi.waitFor(() => expect(deliveries).toHaveLength(1));
    await proxy.refuse();
    proxy.cut();
    await vi.waitFor(() => expect(broker.unavailableBecause).toBeDefined());
    const stopped = consumer.stop();
    await proxy.resume();
    await vi.waitFor(() => expect(broker.unavailableBecause).toBeUndefined(), { timeout: 10_000 });
    await sleep(300);
    expect(deliveries).toHaveLength(1);
    gate.resolve(undefined);
    await stopped;
    const other = await startedBroker();
    await vi.waitFor(async () =>
      expect(await other.queues.inspect(queueNames.process)).toMatchObject({ ready: 1 }),
    );
  });

  it('sends a dead letter to the dead letter queue and to the queue of the DLQ recorder', async () => {
    const broker = await startedBroker();
    const { consumer } = collect(broker, () => Promise.resolve('dead-letter'));
    await consumer.start();
    await broker.publisher.publish(job());
    await vi.waitFor(async () => {
      expect(await broker.queues.inspect(queueNames.dead)).toMatchObject({ ready: 1 });
      expect(await broker.queues.inspect(queueNames.deadRecorder)).toMatchObject({ ready: 1 });
    });
    await consumer.stop();
  });

  it('gets a message back from a retry queue when its delay has expired', async () => {
    const broker = await startedBroker();
    const { deliveries, consumer } = collect(broker, () => Promise.resolve('ack'));
    await consumer.start();
    await broker.publisher.publish(job({ exchange: exchangeNames.retry, routingKey: '100ms' }));
    await vi.waitFor(() => expect(deliveries).toHaveLength(1));
    await consumer.stop();
  });
});

describe('a configuration that can never work', () => {
  it('is refused with the name of the queue and the argument', async () => {
    await startedBroker();
    const broker = testBroker(system.vhost.amqpUrl, { topology: withDeliveryLimit(3) });
    await expect(broker.start()).rejects.toThrow(BrokerMisconfigured);
    await expect(broker.start()).rejects.toThrow(/queue "image.jobs.process".*"x-delivery-limit"/);
    await broker.stop();
  });

  it('is refused for a wrong password', async () => {
    const url = new URL(system.vhost.amqpUrl);
    url.password = 'wrong';
    const broker = testBroker(url.href);
    await expect(broker.start()).rejects.toThrow(/user name or password/);
    await broker.stop();
  });

  it('stops cleanly while it has never reached a broker', async () => {
    const url = new URL(system.vhost.amqpUrl);
    url.pathname = '/nowhere';
    const broker = testBroker(url.href);
    const starting = expect(broker.start()).rejects.toThrow(/closed/i);
    await sleep(300);
    await broker.stop();
    await starting;
  });
});

describe('what a failed attempt to connect says', () => {
  it('names the vhost where the broker does not open it', () => {
    expect(connectFailure(new Error('Expected ConnectionOpenOk; got <ConnectionClose channel:0>'))).toMatch(
      /vhost.*RABBITMQ_URL/,
    );
  });
});

function withDeliveryLimit(limit: number): Topology {
  const { exchanges, queues } = buildTopology({ jobs: [], webhooks: [] });
  return {
    exchanges,
    queues: queues
      .filter(({ name }) => name === queueNames.process)
      .map((queue) => ({ ...queue, arguments: { ...queue.arguments, 'x-delivery-limit': limit } })),
  };
}

async function startedBroker(
  url = system.vhost.amqpUrl,
  timeouts: Partial<typeof testTimeouts> = {},
  changes: Parameters<typeof testBroker>[1] = {},
): Promise<Broker> {
  const broker = testBroker(url, { ...changes, timeouts: { ...testTimeouts, ...timeouts } });
  system.onTestEnd(() => broker.stop());
  await broker.start();
  return broker;
}

/** A raw client of the test's own. */
async function withChannel<Result>(
  work: (
    channel: Awaited<ReturnType<Awaited<ReturnType<typeof connect>>['createChannel']>>,
  ) => Promise<Result>,
): Promise<Result> {
  const connection = await connect(system.vhost.amqpUrl);
  try {
    return await work(await connection.createChannel());
  } finally {
    await connection.close();
  }
}

/** Consumes jobs, keeps the deliveries, and settles each as `handle` says. */
function collect(broker: Broker, handle: (delivery: ReceivedMessage) => Promise<Settlement>, prefetch = 10) {
  const deliveries: ReceivedMessage[] = [];
  const consumer = broker.consumer({
    queue: queueNames.process,
    prefetch,
    onDelivery: async (delivery) => {
      deliveries.push(delivery);
      return await handle(delivery);
    },
  });
  return { deliveries, consumer };
}

let serial = 0;
function job(changes: Partial<OutgoingMessage> = {}): OutgoingMessage {
  return {
    exchange: exchangeNames.jobs,
    routingKey: routingKeys.process,
    body: { serial: ++serial },
    messageId: `message-${serial}`,
    correlationId: `job-${serial}`,
    type: 'job',
    contentType: 'application/json',
    headers: { 'x-attempt': 1 },
    ...changes,
  };
}
