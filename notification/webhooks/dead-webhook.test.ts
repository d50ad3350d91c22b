import { exchangeNames, queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { eventMessage } from '@image-pipeline/shared/jobs/event-follower.ts';
import { failedOutcome } from '../../testing/job-life.ts';
import { describe, expect, inject, it } from 'vitest';
import { managementCall } from '../../testing/management-call.ts';
import { setUpSystem } from '../../testing/test-system.ts';
import { setUpWebhooks, webhookSettings } from '../../testing/webhooks.ts';
import { responding, closing, silent } from '../../testing/webhook-receiver.ts';

const system = setUpSystem();
const hooks = setUpWebhooks(system);

/** As "Move messages" of the management UI. */
async function moveMessages(from: string, to: string): Promise<void> {
  const uri = `amqp:///${encodeURIComponent(system.vhost.name)}`;
  await managementCall(
    inject('broker'),
    'PUT',
    `parameters/shovel/${system.vhost.name}/Move%20from%20${from}`,
    {
      value: {
        'src-uri': uri,
        'src-queue': from,
        'src-protocol': 'amqp091',
        'src-prefetch-count': 1_000,
        'src-delete-after': 'queue-length',
        'dest-uri': uri,
        'dest-queue': to,
        'dest-protocol': 'amqp091',
        'dest-add-forward-headers': false,
        'ack-mode': 'on-confirm',
      },
    },
  );
}

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

  it('is delivered after its message was moved back in the management UI', async () => {
    await system.startNotification(webhookSettings);
    const { request, end } = await hooks.endedJob();
    hooks.receiver.respondWith([responding(410)]);
    await system.publish(end);
    await hooks.until(request, 'dead');
    await expect.poll(() => hooks.depth(queueNames.webhooksDead)).toBe(1);
    await moveMessages(queueNames.webhooksDead, queueNames.webhooks);
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
