import { parseRetryDelays } from '@image-pipeline/shared/broker/topology.ts';
import { beforeEach, expect, it } from 'vitest';
import { watchWebhookQueues } from './webhook-queues.ts';

const MINUTES_MS = 60_000;
let now = 0;
let messages: Readonly<Record<string, number>> | Error = {};
const logged: string[] = [];
const log = {
  info: (message: unknown) => void logged.push(`info: ${String(message)}`),
  warn: (_: unknown, message?: string) => void logged.push(`warn: ${String(message)}`),
};
const queues = {
  inspect: (name: string) =>
    messages instanceof Error
      ? Promise.reject(messages)
      : Promise.resolve({ ready: messages[name] ?? 0, consumers: 1 }),
};
let inspect: () => Promise<boolean>;

beforeEach(() => {
  [now, messages] = [0, {}];
  logged.length = 0;
  const delays = { webhookRetryDelays: parseRetryDelays('1m,5m'), longestDeliveryMs: 12 * MINUTES_MS };
  inspect = watchWebhookQueues({ ...delays, queues, log, clock: () => now });
});

/** Inspects the queues every minute, this often. Returns the results. */
async function minutes(count: number): Promise<boolean[]> {
  const results: boolean[] = [];
  for (let index = 0; index < count; index++) {
    results.push(await inspect());
    now += MINUTES_MS;
  }
  return results;
}
const notFor = (count: number) => Array.from({ length: count }, () => false);

it('knows that no webhook has a message after the longest delivery without one', async () => {
  expect(await minutes(14)).toEqual([...notFor(12), true, true]);
});

it.each(['image.webhooks.deliver', 'image.webhooks.retry.5m'])(
  'starts again when a message waits in %s',
  async (queue) => {
    await minutes(12);
    messages = { [queue]: 1 };
    expect(await minutes(1)).toEqual([false]);
    messages = {};
    expect(await minutes(13)).toEqual([...notFor(12), true]);
  },
);

it('starts again when it has not inspected the queues for more than two minutes', async () => {
  await minutes(13);
  now += MINUTES_MS;
  expect(await inspect()).toBe(true);
  now += 2 * MINUTES_MS + 1;
  expect(await minutes(13)).toEqual([...notFor(12), true]);
});

it('starts again when it cannot inspect the queues, and logs only the changes', async () => {
  await minutes(13);
  messages = new Error('no connection to RabbitMQ');
  expect(await minutes(3)).toEqual(notFor(3));
  messages = {};
  expect(await minutes(13)).toEqual([...notFor(12), true]);
  expect(logged).toEqual([
    'warn: cannot inspect the webhook queues; keeping jobs with open webhooks',
    'info: can inspect the webhook queues again',
  ]);
});
