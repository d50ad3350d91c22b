import type { ReceivedMessage, Settlement } from '@image-pipeline/shared/broker/consumer.ts';
import type { OutgoingMessage } from '@image-pipeline/shared/broker/publisher.ts';
import type { JobEvent } from '@image-pipeline/shared/contracts/event.ts';
import { StoreUnavailable } from '@image-pipeline/shared/errors.ts';
import { webhookKey } from '@image-pipeline/shared/store/keys.ts';
import { testRetryDelays, testLog } from '../../testing/test-broker.ts';
import { parseAllowedReceivers } from '@image-pipeline/shared/webhooks/allowed-receivers.ts';
import { expect, it } from 'vitest';
import { setUpSystem } from '../../testing/test-system.ts';
import { setUpWebhooks, SECRET } from '../../testing/webhooks.ts';
import { responding } from '../../testing/webhook-receiver.ts';
import { createWebhookDelivery } from './deliver-webhook.ts';
import { ReceiverSlots } from './receiver-slots.ts';

const system = setUpSystem();
const hooks = setUpWebhooks(system);
const never = new AbortController().signal;

it('a webhook is held while the store is unavailable, and acknowledged when its attempt is recorded', async () => {
  const { request, end } = await hooks.endedJob();
  const { handled, settled } = deliver(end, 2);
  await expect.poll(() => hooks.receiver.received.length).toBe(1);
  expect(settled).toEqual([]);
  await handled;
  expect(settled).toEqual(['ack']);
  expect(await hooks.attempts(request)).toMatchObject([{ attempt: 1, state: 'delivered' }]);
  expect(hooks.receiver.received).toHaveLength(1);
});

it('a webhook that is held is not settled when the service stops', async () => {
  const { request, end } = await hooks.endedJob();
  const stop = new AbortController();
  const { handled, settled } = deliver(end, Infinity, { stopping: stop.signal });
  await expect.poll(() => hooks.receiver.received.length).toBe(1);
  stop.abort();
  await expect(handled).rejects.toThrow('aborted');
  expect(settled).toEqual([]);
  expect(await hooks.attempts(request)).toEqual([]);
});

it('the next attempt is published with new headers and its own delay, before the record', async () => {
  const { request, end } = await hooks.endedJob();
  hooks.receiver.respondWith([responding(503)]);
  const { handled, settled, published } = deliver(end, 0);
  await handled;
  expect(settled).toEqual(['ack']);
  expect(published).toMatchObject([
    {
      exchange: 'image.webhooks',
      routingKey: '50ms',
      messageId: `${end.id}/webhook/2`,
      correlationId: request.job_id,
      body: end,
    },
  ]);
  expect(published[0]?.headers).toEqual({ 'x-run': 1, 'x-attempt': 1, 'x-webhook-attempt': 2 });
  expect(published[0]?.expirationMs).toBeGreaterThanOrEqual(25);
  expect(published[0]?.expirationMs).toBeLessThanOrEqual(50);
});

it('an unreadable record blocks no webhook', async () => {
  const { request, end } = await hooks.endedJob();
  await system.store.putIfAbsent(webhookKey(request.job_id, 1), Buffer.from('no record'));
  const { handled, settled } = deliver(end, 0);
  await handled;
  expect(settled).toEqual(['ack']);
  expect(await hooks.attempts(request)).toMatchObject([{ attempt: 1, state: 'delivered' }]);
});

it.each([
  [{}, '50ms', 1],
  [{ 'x-webhook-deferrals': 1 }, '100ms', 2],
  [{ 'x-webhook-deferrals': 2 }, '100ms', 2],
])(
  'a webhook with %j whose receiver has no free place waits for %s',
  async (headers, routingKey, deferrals) => {
    const { end } = await hooks.endedJob();
    const { handled, settled, published } = deliver(end, 0, { places: 0, headers });
    await handled;
    expect(settled).toEqual(['ack']);
    expect(published).toMatchObject([{ exchange: 'image.webhooks', routingKey, body: end }]);
    expect(published[0]?.headers).toEqual({
      'x-run': 1,
      'x-attempt': 1,
      'x-webhook-attempt': 1,
      'x-webhook-deferrals': deferrals,
      'x-webhook-put-back': 1,
    });
  },
);

/** Delivers one webhook with a store that is down for its first `failures` writes, to a receiver that has `places`. */
function deliver(end: JobEvent, failures: number, { stopping = never, places = 1, headers = {} } = {}) {
  const settled: Settlement[] = [];
  const published: OutgoingMessage[] = [];
  const { store } = system;
  let writes = 0;
  const handle = createWebhookDelivery({
    store: {
      get: (key) => store.get(key),
      list: (prefix) => store.list(prefix),
      putIfAbsent: (key, body) =>
        ++writes > failures
          ? store.putIfAbsent(key, body)
          : Promise.reject(new StoreUnavailable('It is down.')),
    },
    publisher: {
      publish: (message) => {
        published.push(message);
        return Promise.resolve();
      },
    },
    retryDelays: testRetryDelays,
    secrets: [SECRET],
    apiUrl: '',
    allowed: parseAllowedReceivers('127.0.0.1'),
    resolve: () => Promise.reject(new Error('nothing is to be resolved')),
    timeoutMs: 1_000,
    slots: new ReceiverSlots({ total: 8, maxConcurrent: 1, inFlight: places, hangingMs: 0 }),
    lost: { onEnded: () => undefined, onMessage: () => undefined },
    stopping,
    drainDeadline: never,
    metrics: { increase: () => undefined, observe: () => undefined },
    log: testLog,
  });
  const message: ReceivedMessage = {
    content: Buffer.from(JSON.stringify(end)),
    // As the worker publishes it: x-attempt does not count deliveries.
    headers: { 'x-run': 1, 'x-attempt': 3, 'x-death': [{ queue: 'image.webhooks.deliver' }], ...headers },
    correlationId: end.subject,
    deliveryNumber: 1,
    lost: never,
  };
  const handled = handle(message).then((settlement) => void settled.push(settlement));
  return { handled, settled, published };
}
