import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import type { JobEvent } from '@image-pipeline/shared/contracts/event.ts';
import type { JobRequest } from '@image-pipeline/shared/contracts/job.ts';
import type { WebhookAttempt } from '@image-pipeline/shared/contracts/webhook.ts';
import { eventMessage } from '@image-pipeline/shared/jobs/event-follower.ts';
import { recordWebhookAttempt } from '@image-pipeline/shared/jobs/webhook-attempts.ts';
import { describe, expect, inject, it } from 'vitest';
import { managementCall } from '../../testing/management-call.ts';
import { setUpSystem } from '../../testing/test-system.ts';
import { setUpWebhooks, webhookSettings } from '../../testing/webhooks.ts';

const system = setUpSystem();
const hooks = setUpWebhooks(system);
const startNotification = () => system.startNotification(webhookSettings, { webhookLostAfterMs: 1_000 });

describe('a webhook whose message was lost', () => {
  it('is delivered, once, if the job ended while nothing led to the queue', async () => {
    await startNotification();
    const { request, end } = await hooks.endedJob();
    await logOnly(end);
    expect(await hooks.until(request, 'delivered')).toMatchObject([{ attempt: 1 }]);
    await nothingMore(request, 1);
  });

  it('is delivered if the queue was purged while no service ran', async () => {
    const { request, end } = await hooks.endedJob();
    await system.publish(end);
    await managementCall(
      inject('broker'),
      'DELETE',
      `queues/${system.vhost.name}/${queueNames.webhooks}/contents`,
    );
    await startNotification();
    await hooks.until(request, 'delivered');
  });

  it('goes on with its next attempt if it was lost between two', async () => {
    const { request, end } = await hooks.endedJob();
    await recordWebhookAttempt(system.store, retriedAttempt(request, end, Date.now() - 60_000));
    await logOnly(end);
    await startNotification();
    expect(await hooks.until(request, 'delivered')).toMatchObject([{ attempt: 1 }, { attempt: 2 }]);
  });

  it('is not taken for lost while it waits for its retry', async () => {
    const { request, end } = await hooks.endedJob();
    await recordWebhookAttempt(system.store, retriedAttempt(request, end, Date.now() + 60_000));
    await logOnly(end);
    await startNotification();
    await nothingMore(request, 1);
  });

  it('is delivered after its queue was deleted while everything runs', async () => {
    await startNotification();
    await managementCall(inject('broker'), 'DELETE', `queues/${system.vhost.name}/${queueNames.webhooks}`);
    const { request, end } = await hooks.endedJob();
    await logOnly(end);
    await hooks.until(request, 'delivered');
  });
});

/** The end of a job in the event log, as if no queue were bound for webhooks. */
const logOnly = (end: JobEvent) =>
  system.broker.publisher.publish({ ...eventMessage(end), routingKey: end.type });

/** Nothing happens in more than twice the time after which a webhook counts as lost. */
async function nothingMore(request: JobRequest, attempts: number): Promise<void> {
  const marker = await hooks.endedJob();
  await logOnly(marker.end);
  await hooks.until(marker.request, 'delivered');
  expect(await hooks.attempts(request)).toHaveLength(attempts);
}

function retriedAttempt({ job_id }: JobRequest, end: JobEvent, nextAt: number): WebhookAttempt {
  return {
    version: 1,
    attempt_id: 'earlier',
    webhook_id: `msg_${job_id}_1`,
    job_id,
    run: 1,
    event: { id: end.id, type: 'job.completed' },
    attempt: 1,
    at: new Date(nextAt - 1_000).toISOString(),
    duration_ms: 5,
    state: 'retrying',
    status: 503,
    error: { code: 'not_accepted', reason: 'Status: 503.' },
    next_attempt_at: new Date(nextAt).toISOString(),
  };
}
