import { randomUUID } from 'node:crypto';
import type { WebhookAttempt } from '@image-pipeline/shared/contracts/webhook.ts';
import type { DeliveryFate } from './decide-delivery-fate.ts';
import type { PendingWebhook } from './read-webhook.ts';
import type { SentWebhook } from './send-webhook.ts';

/** What is written down of an attempt. */
export function attemptRecord(
  { id, event, attempt }: PendingWebhook,
  { result, at, durationMs }: SentWebhook,
  fate: DeliveryFate,
  now: Date,
): WebhookAttempt {
  return {
    version: 1,
    attempt_id: randomUUID(),
    webhook_id: id,
    job_id: event.data.job_id,
    run: event.data.run,
    event: { id: event.id, type: event.type },
    attempt,
    at: at.toISOString(),
    duration_ms: durationMs,
    state: fate.state,
    ...('status' in result ? { status: result.status } : {}),
    ...(fate.state === 'delivered' ? {} : { error: fate.error }),
    ...(fate.state === 'retrying'
      ? { next_attempt_at: new Date(now.getTime() + fate.delayMs).toISOString() }
      : {}),
  };
}
