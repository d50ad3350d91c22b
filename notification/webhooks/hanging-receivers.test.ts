import { expect, it } from 'vitest';
import { setUpSystem } from '../../testing/test-system.ts';
import { setUpWebhooks, webhookSettings } from '../../testing/webhooks.ts';
import { Receiver } from '../../testing/webhook-receiver.ts';

const system = setUpSystem();
const hooks = setUpWebhooks(system);

it('300 receivers that hang delay no others', async () => {
  const receiver = await Receiver.start('0.0.0.0');
  system.onTestEnd(() => receiver.stop());
  await system.startNotification({
    ...webhookSettings,
    WEBHOOK_ALLOWED_HOSTS: '127.0.0.0/8',
    WEBHOOK_TIMEOUT_MS: '20000',
  });
  const jobAt = (host: string) => hooks.endedJob({ callback_url: `http://${host}:${receiver.port}/` });
  const hosts = Array.from(
    { length: 300 },
    (_, index) => `127.0.${1 + (index % 3)}.${1 + Math.floor(index / 3)}`,
  );
  const hanging = await Promise.all(hosts.map(jobAt));
  receiver.respondWith([], ({ headers }, response) => {
    if (headers.host?.startsWith('127.0.0.1:') === true) response.writeHead(204).end();
  });
  await system.publish(...hanging.map(({ end }) => end));
  const began = performance.now();
  for (let count = 0; count < 3; count++) {
    const quick = await jobAt('127.0.0.1');
    await system.publish(quick.end);
    await hooks.until(quick.request, 'delivered');
  }
  // Long before the first of the others has timed out.
  expect(performance.now() - began).toBeLessThan(10_000);
  await expect.poll(() => receiver.received.length, { timeout: 20_000 }).toBe(303);
});
