import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { startRabbitNode } from '../local/broker/rabbitmq-node.ts';
import type { RunningNode } from '../local/broker/running-node.ts';
import { testBroker } from './test-broker.ts';
import type { Broker } from '@image-pipeline/shared/broker/broker.ts';
import type { ConsumerOptions, ReceivedMessage, Settlement } from '@image-pipeline/shared/broker/consumer.ts';
import { exchangeNames, queueNames, routingKeys } from '@image-pipeline/shared/broker/topology.ts';

/** Of the whole node, which checks it once per tick. */
const CONSUMER_TIMEOUT_MS = 1_000;
const TICK_MS = 200;

// A node of its own, because the timeout applies to every consumer.
let folder: string;
let node: RunningNode;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'broker-'));
  node = await startRabbitNode({ folder });
  const set = (name: string, ms: number) => `application:set_env(rabbit, ${name}, ${ms})`;
  await node.ctl([
    'eval',
    `${set('consumer_timeout', CONSUMER_TIMEOUT_MS)}, ${set('channel_tick_interval', TICK_MS)}.`,
  ]);
}, 120_000);
afterAll(async () => {
  await node.kill();
  await rm(folder, { recursive: true, force: true });
});

it('a message that waits for longer than several consumer timeouts keeps its delivery count and its headers', async () => {
  const broker = await startedBroker();
  const outage = outageOf();
  const deliveries = await consume(broker, outage.handle, { holdMs: CONSUMER_TIMEOUT_MS / 3 });
  await broker.publisher.publish(job('one', { 'x-attempt': 2, traceparent: 'kept' }));
  // Three for each consumer timeout.
  await expect.poll(() => deliveries.length, { timeout: 20_000 }).toBeGreaterThan(12);
  outage.end();
  await expect.poll(() => outage.finished, { timeout: 10_000 }).toEqual(['one']);
  for (const { headers, deliveryNumber } of deliveries.slice(1)) {
    expect(headers).toMatchObject({ 'x-attempt': 2, traceparent: 'kept' });
    expect(headers).not.toHaveProperty('x-delivery-count');
    // Its handler may have begun: what it left behind must be removed.
    expect(deliveryNumber).toBe(2);
  }
  expect(deliveries.slice(0, -1).every(({ lost }) => lost.aborted)).toBe(true);
  await expectEmpty(broker);
});

it('a message whose consumer timed out is redelivered only when the work can be done, and counted once', async () => {
  const broker = await startedBroker();
  const outage = outageOf();
  const deliveries = await consume(broker, outage.handle, { mayConsume: () => outage.over });
  await broker.publisher.publish(job('one'));
  await expect.poll(() => deliveries[0]?.lost.aborted, { timeout: 10_000 }).toBe(true);
  await sleep(3 * CONSUMER_TIMEOUT_MS);
  expect(deliveries).toHaveLength(1);
  outage.end();
  await expect.poll(() => outage.finished, { timeout: 10_000 }).toEqual(['one']);
  expect(deliveries.map(({ deliveryNumber }) => deliveryNumber)).toEqual([1, 2]);
  await expectEmpty(broker);
});

it('no message is lost or handled twice if more wait than are handled concurrently', async () => {
  const broker = await startedBroker();
  const outage = outageOf();
  const deliveries = await consume(broker, outage.handle, { holdMs: CONSUMER_TIMEOUT_MS / 3, prefetch: 3 });
  const names = Array.from({ length: 10 }, (_, n) => `message-${n}`);
  for (const name of names) await broker.publisher.publish(job(name));
  await expect.poll(() => deliveries.length, { timeout: 20_000 }).toBeGreaterThan(20);
  outage.end();
  await expect.poll(() => outage.finished.toSorted(), { timeout: 10_000 }).toEqual(names.toSorted());
  await expectEmpty(broker);
});

it('a message that is finished just in time is not copied', async () => {
  const broker = await startedBroker();
  const settled: string[] = [];
  const deliveries = await consume(
    broker,
    async ({ correlationId = '' }) => {
      await sleep(CONSUMER_TIMEOUT_MS / 5);
      settled.push(correlationId);
      return 'ack';
    },
    { holdMs: CONSUMER_TIMEOUT_MS / 2 },
  );
  await broker.publisher.publish(job('one'));
  await expect.poll(() => settled).toEqual(['one']);
  await sleep(CONSUMER_TIMEOUT_MS);
  expect(deliveries).toHaveLength(1);
  await expectEmpty(broker);
});

async function startedBroker(): Promise<Broker> {
  const broker = testBroker(node.amqpUrl);
  onTestFinished(() => broker.stop());
  await broker.start();
  return broker;
}

/** A store that is unavailable until `end`: handlers wait for it, unless they have lost their delivery. */
function outageOf() {
  const { promise: over, resolve } = Promise.withResolvers<undefined>();
  let isFirst = true;
  const finished: string[] = [];
  return {
    /** The first call is before the outage. */
    get over(): Promise<void> {
      const isBefore = isFirst;
      isFirst = false;
      return isBefore ? Promise.resolve() : over;
    },
    finished,
    end: () => resolve(undefined),
    handle: async ({ correlationId = '', lost }: ReceivedMessage): Promise<Settlement> => {
      const { promise: aborted, reject } = Promise.withResolvers<never>();
      lost.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
      await Promise.race([over, aborted]);
      finished.push(correlationId);
      return 'ack';
    },
  };
}

async function consume(
  broker: Broker,
  handle: (delivery: ReceivedMessage) => Promise<Settlement>,
  options: Partial<Pick<ConsumerOptions, 'holdMs' | 'mayConsume' | 'prefetch'>>,
): Promise<ReceivedMessage[]> {
  const deliveries: ReceivedMessage[] = [];
  const onDelivery = (delivery: ReceivedMessage) => {
    deliveries.push(delivery);
    return handle(delivery);
  };
  const consumer = broker.consumer({ queue: queueNames.process, prefetch: 1, onDelivery, ...options });
  onTestFinished(() => consumer.stop(0));
  await consumer.start();
  return deliveries;
}

async function expectEmpty(broker: Broker): Promise<void> {
  for (const queue of [queueNames.process, queueNames.dead, queueNames.deadRecorder]) {
    await expect.poll(async () => (await broker.queues.inspect(queue)).ready).toBe(0);
  }
}

function job(name: string, headers: Record<string, unknown> = {}) {
  return {
    exchange: exchangeNames.jobs,
    routingKey: routingKeys.process,
    body: { name },
    messageId: name,
    correlationId: name,
    type: 'job',
    contentType: 'application/json',
    headers,
  };
}
