import { exchangeNames, queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { eventMessage } from '@image-pipeline/shared/jobs/event-follower.ts';
import { failedOutcome } from '../../testing/job-life.ts';
import { describe, expect, it } from 'vitest';
import { setUpSystem } from '../../testing/test-system.ts';
import { setUpWebhooks, webhookSettings } from '../../testing/webhooks.ts';
import { responding, closing, silent } from '../../testing/webhook-receiver.ts';

const system = setUpSystem();
const hooks = setUpWebhooks(system);

describe('a webhook that no receiver accepts', () => {
  it('is dead after the last retry, with the reason', async () => {
    await system.startNotification({ ...webhookSettings, WEBHOOK_TIMEOUT_MS: '200' });
    const { request, end } = await hooks.endedJob();
    hooks.receiver.respondWith([closing], silent);
    await system.publish(end);
    const dead = await hooks.takeDead();
    expect(dead.correlationId).toBe(request.job_id);
    expect(JSON.parse(dead.content.toString())).toEqual(end);
    expect(await hooks.attempts(request)).toMatchObject([
      { attempt: 1, state: 'retrying', error: { code: 'connection_lost' } },
      { attempt: 2, state: 'retrying', error: { code: 'timed_out' } },
      {
        attempt: 3,
        state: 'dead',
        error: { code: 'timed_out', reason: expect.stringContaining('attempt 3 of 3') as unknown },
      },
    ]);
    expect(hooks.receiver.received).toHaveLength(3);
    expect(await hooks.depth(queueNames.webhooksDead)).toBe(0);
  });

  it.each([
    ['responds with 410', () => hooks.receiver.url(), 'gone', 1],
    ['has a private address', () => 'http://10.1.2.3/hook', 'address_refused', 0],
    ['has a name with a private address', () => 'http://rebinding.example/', 'address_refused', 0],
  ])('is dead at once where the receiver %s', async (_what, url, code, requests) => {
    await system.startNotification(webhookSettings, {
      resolve: () => Promise.resolve([{ address: '169.254.169.254', family: 4 }]),
    });
    hooks.receiver.respondWith([], responding(410));
    const { request, end } = await hooks.endedJob({ callback_url: url() });
    await system.publish(end);
    await hooks.takeDead();
    expect(await hooks.attempts(request)).toMatchObject([{ attempt: 1, state: 'dead', error: { code } }]);
    expect(hooks.receiver.received).toHaveLength(requests);
  });

  it('is posted once and dead once, although worker and DLQ recorder both publish its end', async () => {
    await system.startNotification(webhookSettings);
    hooks.receiver.respondWith([], responding(410));
    const { request, end: failed } = await hooks.endedJob({}, failedOutcome);
    await system.publish(failed, failed);
    await hooks.until(request, 'dead');
    await system.publish(failed);
    const last = await hooks.endedJob();
    await system.publish(last.end);
    await hooks.until(last.request, 'dead');
    await expect.poll(() => hooks.depth(queueNames.webhooks)).toBe(0);
    await expect.poll(() => hooks.depth(queueNames.webhooksDead)).toBe(2);
    expect(hooks.receiver.received).toHaveLength(2);
    expect(await hooks.attempts(request)).toHaveLength(1);
    const dead = [await hooks.takeDead(), await hooks.takeDead()];
    expect(dead.map(({ correlationId }) => correlationId)).toEqual([request.job_id, last.request.job_id]);
  });

  it('is delivered after an operator moved it back', async () => {
    await system.startNotification(webhookSettings);
    const { request, end } = await hooks.endedJob();
    hooks.receiver.respondWith([responding(410)]);
    await system.publish(end);
    const dead = await hooks.takeDead();
    // As a shovel does: with all headers.
    expect(dead.headers).toHaveProperty('x-death');
    await system.broker.publisher.publish({
      ...eventMessage(end),
      headers: dead.headers,
      exchange: '',
      routingKey: queueNames.webhooks,
      body: JSON.parse(dead.content.toString()) as unknown,
    });
    expect(await hooks.until(request, 'delivered')).toHaveLength(2);
  });

  it('is dead if its message is invalid, and does not block others', async () => {
    await system.startNotification(webhookSettings);
    const { request, end } = await hooks.endedJob();
    const poison = {
      ...eventMessage(end),
      exchange: exchangeNames.events,
      routingKey: 'job.completed.callback',
    };
    await system.broker.publisher.publish({ ...poison, body: { specversion: '9.0' } });
    await system.broker.publisher.publish({ ...poison, body: 'no event', messageId: 'other' });
    await system.publish(end);
    await hooks.until(request, 'delivered');
    await hooks.takeDead();
    await hooks.takeDead();
  });
});
