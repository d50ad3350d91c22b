import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { endedEvent, type JobEvent } from '@image-pipeline/shared/contracts/event.ts';
import { completedOutcome, failedOutcome, lifeOf, someRequest } from '../../testing/job-life.ts';
import { describe, expect, it } from 'vitest';
import { setUpSystem, untilReady } from '../../testing/test-system.ts';
import { setUpWebhooks, webhookSettings } from '../../testing/webhooks.ts';
import { responding, respondingAfter, silent } from '../../testing/webhook-receiver.ts';

const system = setUpSystem();
const hooks = setUpWebhooks(system);

describe('many webhooks', () => {
  it('to a host that hangs block no others, and wait without counting as attempts', async () => {
    await system.startNotification(
      {
        ...webhookSettings,
        WEBHOOK_ALLOWED_HOSTS: '127.0.0.1,hanging.example',
      },
      {
        resolve: () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]),
        webhooksInFlight: 6,
        webhooksPerHost: 2,
      },
    );
    const { receiver } = hooks;
    const hanging = await Promise.all(
      Array.from({ length: 20 }, () =>
        hooks.endedJob({ callback_url: `http://hanging.example:${receiver.port}/hang` }),
      ),
    );
    receiver.respondWith([], (request, response) => {
      if (request.url === '/hang') return;
      response.writeHead(204).end();
    });
    await system.publish(...hanging.map(({ end }) => end));
    const quick = await hooks.endedJob();
    const began = performance.now();
    await system.publish(quick.end);
    await hooks.until(quick.request, 'delivered');
    expect(performance.now() - began).toBeLessThan(900);
    receiver.respondWith([], responding(200));
    for (const { request } of hanging) {
      const attempts = await hooks.until(request, 'delivered');
      expect(attempts.map(({ attempt }) => attempt)).toEqual(attempts.map((_, index) => index + 1));
    }
  });
});

describe('a service without a secret', () => {
  it('leaves webhooks in their queue until there is one', async () => {
    const { request, end } = await hooks.endedJob();
    const service = await system.startNotification({ ...webhookSettings, WEBHOOK_SECRET: '' });
    await system.publish(end);
    await expect.poll(() => hooks.depth(queueNames.webhooks)).toBe(1);
    await service.stop();
    await system.startNotification(webhookSettings);
    await hooks.until(request, 'delivered');
  });
});

describe('a forged end', () => {
  it('is not sent to the receiver, which gets the real one', async () => {
    await system.startNotification(webhookSettings);
    const request = someRequest({ callback_url: hooks.receiver.url() });
    await system.storeJob(request);
    await system.publish(endedEvent(request, failedOutcome(request)));
    await expect.poll(() => hooks.depth(queueNames.webhooksDead), { timeout: 15_000 }).toBe(1);
    const outcome = completedOutcome(request);
    await system.storeJob(request, outcome);
    await system.publish(endedEvent(request, outcome));
    await hooks.until(request, 'delivered');
    expect(hooks.receiver.received.map(({ body }) => JSON.parse(body) as unknown)).toEqual([
      expect.objectContaining({ type: 'job.completed' }),
    ]);
  });
});

describe('the callback URL', () => {
  it('is not sent to subscribers', async () => {
    const service = await system.startNotification(webhookSettings);
    const request = someRequest({ callback_url: hooks.receiver.url() });
    const outcome = completedOutcome(request);
    const [own, all] = [
      await system.subscribe(service, request.job_id),
      await system.subscribe(service, '*'),
    ];
    const [queued, begun] = lifeOf(request) as [JobEvent, JobEvent];
    await system.storeJob(request, outcome);
    await system.publish(queued, begun, endedEvent(request, outcome));
    for (const client of [own, all]) {
      expect(JSON.stringify(await client.take(3))).not.toContain('hook');
    }
    await hooks.until(request, 'delivered');
  });
});

describe('a service that stops', () => {
  it('finishes the posts in progress, and hands back the rest', async () => {
    const service = await system.startNotification(webhookSettings, { webhooksPerHost: 1 });
    const jobs = [await hooks.endedJob(), await hooks.endedJob()];
    hooks.receiver.respondWith([respondingAfter(300)]);
    await system.publish(...jobs.map(({ end }) => end));
    await expect.poll(() => hooks.receiver.received.length).toBe(1);
    await service.stop();
    const attempts = await Promise.all(jobs.map(({ request }) => hooks.attempts(request)));
    expect(attempts.flat()).toMatchObject([{ state: 'delivered' }]);
    await expect.poll(() => hooks.depth(queueNames.webhooks)).toBe(1);
    await system.startNotification(webhookSettings);
    for (const { request } of jobs) await hooks.until(request, 'delivered');
    expect(hooks.receiver.received).toHaveLength(2);
  });

  it('aborts a post that takes too long, and delivers it again later', async () => {
    const service = await system.startNotification({
      ...webhookSettings,
      WEBHOOK_TIMEOUT_MS: '60000',
      STOP_TIMEOUT_MS: '1000',
    });
    const { request, end } = await hooks.endedJob();
    hooks.receiver.respondWith([silent]);
    await system.publish(end);
    await expect.poll(() => hooks.receiver.received.length).toBe(1);
    const began = performance.now();
    await service.stop();
    expect(performance.now() - began).toBeLessThan(1_000);
    expect(await hooks.attempts(request)).toEqual([]);
    await system.startNotification(webhookSettings);
    expect(await hooks.until(request, 'delivered')).toMatchObject([{ attempt: 1 }]);
    expect(new Set(hooks.receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  });
});

describe('while RabbitMQ is unreachable', () => {
  it('a delivered webhook is recorded, and not delivered again', async () => {
    const proxy = await system.proxyBefore(system.vhost.amqpUrl);
    const service = await system.startNotification({ ...webhookSettings, RABBITMQ_URL: proxy.url });
    const { request, end } = await hooks.endedJob();
    hooks.receiver.respondWith([respondingAfter(300)]);
    await system.publish(end);
    await expect.poll(() => hooks.receiver.received.length).toBe(1);
    await proxy.refuse();
    await hooks.until(request, 'delivered');
    await proxy.resume();
    await untilReady(service);
    await expect.poll(() => hooks.depth(queueNames.webhooks)).toBe(0);
    await service.stop();
    expect(await hooks.depth(queueNames.webhooks)).toBe(0);
    expect(hooks.receiver.received).toHaveLength(1);
  });
});
