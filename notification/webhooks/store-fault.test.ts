import type { ReceivedMessage, Settlement } from '@image-pipeline/shared/broker/consumer.ts';
import type { OutgoingMessage } from '@image-pipeline/shared/broker/publisher.ts';
import type { JobEvent } from '@image-pipeline/shared/contracts/event.ts';
import { StoreUnavailable } from '@image-pipeline/shared/errors.ts';
import { webhookKey } from '@image-pipeline/shared/store/keys.ts';
import { testLadder, testLog } from '@image-pipeline/shared/testing/test-broker.ts';
import { parseAllowedReceivers } from '@image-pipeline/shared/webhooks/allowed-receivers.ts';
import { expect, it } from 'vitest';
import { givenNotification } from '../testing/given-notification.ts';
import { givenWebhooks, SECRET } from '../testing/given-webhooks.ts';
import { answering } from '../testing/receiver.ts';
import { createWebhookDelivery } from './deliver-webhook.ts';
import { ReceiverSlots } from './receiver-slots.ts';

const given = givenNotification();
const hooks = givenWebhooks(given);
const never = new AbortController().signal;

/** Delivers one webhook with a store that is away for its first `away` writes, to a receiver that has `places`. */
function deliver(end: JobEvent, away: number, { stopping = never, places = 1, headers = {} } = {}) {
  const settled: Settlement[] = [];
  const published: OutgoingMessage[] = [];
  const { store } = given;
  let failures = 0;
  const handle = createWebhookDelivery({
    store: {
      get: (key) => store.get(key),
      list: (prefix) => store.list(prefix),
      putIfAbsent: (key, body) =>
        ++failures > away
          ? store.putIfAbsent(key, body)
          : Promise.reject(new StoreUnavailable('It is away.')),
    },
    publisher: {
      publish: (message) => {
        published.push(message);
        return Promise.resolve();
      },
    },
    ladder: testLadder,
    secrets: [SECRET],
    apiUrl: '',
    allowed: parseAllowedReceivers('127.0.0.1'),
    resolve: () => Promise.reject(new Error('nothing is to be resolved')),
    timeoutMs: 1_000,
    slots: new ReceiverSlots({ atOnce: 1, inHand: places, hangingMs: 0 }),
    stopping,
    givingUp: never,
    metrics: { increase: () => undefined, observe: () => undefined },
    log: testLog,
  });
  const message: ReceivedMessage = {
    content: Buffer.from(JSON.stringify(end)),
    // As the worker's publish has it: not an attempt to deliver.
    headers: { 'x-run': 1, 'x-attempt': 3, 'x-death': [{ queue: 'image.webhooks.deliver' }], ...headers },
    correlationId: end.subject,
    deliveryNumber: 1,
    lost: never,
  };
  const handled = handle(message).then((settlement) => void settled.push(settlement));
  return { handled, settled, published };
}

it('a webhook is held while the store is away, and acknowledged when it is written down', async () => {
  const { request, end } = hooks.endedJob();
  const { handled, settled } = deliver(end, 2);
  await expect.poll(() => hooks.receiver.received.length).toBe(1);
  expect(settled).toEqual([]);
  await handled;
  expect(settled).toEqual(['ack']);
  expect(await hooks.attempts(request)).toMatchObject([{ attempt: 1, state: 'delivered' }]);
  expect(hooks.receiver.received).toHaveLength(1);
});

it('a webhook that is held is not settled when the service stops', async () => {
  const { request, end } = hooks.endedJob();
  const stop = new AbortController();
  const { handled, settled } = deliver(end, Infinity, { stopping: stop.signal });
  await expect.poll(() => hooks.receiver.received.length).toBe(1);
  stop.abort();
  await expect(handled).rejects.toThrow('aborted');
  expect(settled).toEqual([]);
  expect(await hooks.attempts(request)).toEqual([]);
});

it('the next attempt is published with headers made anew, a delay of its own, and before the record', async () => {
  const { request, end } = hooks.endedJob();
  hooks.receiver.answers([answering(503)]);
  const { handled, settled, published } = deliver(end, 0);
  await handled;
  expect(settled).toEqual(['ack']);
  expect(published).toMatchObject([
    {
      exchange: '',
      routingKey: 'image.webhooks.retry.50ms',
      messageId: `${end.id}/webhook/2`,
      correlationId: request.job_id,
      body: end,
    },
  ]);
  expect(published[0]?.headers).toEqual({ 'x-run': 1, 'x-attempt': 1, 'x-webhook-attempt': 2 });
  expect(published[0]?.expirationMs).toBeGreaterThanOrEqual(25);
  expect(published[0]?.expirationMs).toBeLessThanOrEqual(50);
});

it('a record that cannot be read holds up no webhook', async () => {
  const { request, end } = hooks.endedJob();
  await given.store.putIfAbsent(webhookKey(request.job_id, 1), Buffer.from('no record'));
  const { handled, settled } = deliver(end, 0);
  await handled;
  expect(settled).toEqual(['ack']);
  expect(await hooks.attempts(request)).toMatchObject([{ attempt: 1, state: 'delivered' }]);
});

it.each([
  [{}, 'image.webhooks.retry.50ms', 1],
  [{ 'x-webhook-deferrals': 1 }, 'image.webhooks.retry.100ms', 2],
  [{ 'x-webhook-deferrals': 2 }, 'image.webhooks.retry.100ms', 2],
])('a webhook with %j whose receiver has its share waits in %s', async (headers, routingKey, deferrals) => {
  const { end } = hooks.endedJob();
  const { handled, settled, published } = deliver(end, 0, { places: 0, headers });
  await handled;
  expect(settled).toEqual(['ack']);
  expect(published).toMatchObject([{ routingKey, body: end }]);
  expect(published[0]?.headers).toEqual({
    'x-run': 1,
    'x-attempt': 1,
    'x-webhook-attempt': 1,
    'x-webhook-deferrals': deferrals,
    'x-webhook-put-back': 1,
  });
});
