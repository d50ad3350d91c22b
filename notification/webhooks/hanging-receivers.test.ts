import { expect, it } from 'vitest';
import { setUpSystem } from '../../testing/test-system.ts';
import { setUpWebhooks, webhookSettings } from '../../testing/webhooks.ts';
import { Receiver } from '../../testing/webhook-receiver.ts';

const system = setUpSystem();
const hooks = setUpWebhooks(system);

it('264 receivers that hang, with several webhooks each, delay no others', async () => {
  const receiver = await Receiver.start('0.0.0.0');
  system.onTestEnd(() => receiver.stop());
  await system.startNotification({
    ...webhookSettings,
    WEBHOOK_ALLOWED_HOSTS: '127.0.0.0/8',
    WEBHOOK_TIMEOUT_MS: '60000',
    WEBHOOK_RETRY_DELAYS: '60s',
  });
  const jobAt = (host: string) => hooks.endedJob({ callback_url: `http://${host}:${receiver.port}/` });
  const hosts = Array.from(
    { length: 264 },
    (_, index) => `127.0.${1 + (index % 3)}.${1 + Math.floor(index / 3)}`,
  );
  const isHealthy = (host = '') => host.startsWith('127.0.9.');
  receiver.respondWith([], ({ headers }, response) => {
    if (isHealthy(headers.host)) response.writeHead(204).end();
  });
  const jobs = await Promise.all(hosts.flatMap((host) => [host, host, host]).map(jobAt));
  await system.publish(...jobs.map(({ end }) => end));
  // None of them is known, and a deferral would take at least 30 s.
  for (const host of ['127.0.9.1', '127.0.9.2', '127.0.9.3']) {
    const healthy = await jobAt(host);
    await system.publish(healthy.end);
    await hooks.until(healthy.request, 'delivered');
  }
  const hanging = () =>
    new Set(receiver.received.map(({ headers }) => headers.host).filter((host) => !isHealthy(host)));
  await expect.poll(() => hanging().size, { timeout: 20_000 }).toBe(264);
  // Otherwise the service would wait for the posts in progress.
  await receiver.stop();
});
