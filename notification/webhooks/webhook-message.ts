import type { ReceivedMessage } from '@image-pipeline/shared/broker/consumer.ts';
import type { OutgoingMessage } from '@image-pipeline/shared/broker/publisher.ts';
import { destinationOf, queueNames, type RetryDelay } from '@image-pipeline/shared/broker/topology.ts';
import type { JobEvent } from '@image-pipeline/shared/contracts/event.ts';
import { eventMessage, parseEvent } from '@image-pipeline/shared/jobs/event-follower.ts';
import { describeProblems, validate } from '@image-pipeline/shared/validation.ts';
import { z } from 'zod';

/** Counts attempts to deliver; `x-attempt` counts those of the worker. */
const ATTEMPT_HEADER = 'x-webhook-attempt';

/** Counts the deferrals since the last attempt: its receiver had too many webhooks in flight. */
export const DEFERRALS_HEADER = 'x-webhook-deferrals';

/** Set on a deferred message that an operator moved back, because its `x-death` is not copied. */
export const PUT_BACK_HEADER = 'x-webhook-put-back';

export type EndEvent = Extract<JobEvent, { type: 'job.completed' | 'job.failed' }>;

/** A webhook to deliver. */
export interface PendingWebhook {
  /** The same for every attempt and every copy of the event, because a run ends once. No dots. */
  readonly id: string;
  readonly event: EndEvent;
  readonly url: URL;
  /** From 1. */
  readonly attempt: number;
  /** Deferrals since the last attempt. */
  readonly deferrals: number;
  /** An operator moved it from the dead-letter queue back into the queue. */
  readonly isPutBack: boolean;
}

/** The message can never be delivered. */
export class UnreadableWebhook extends Error {
  override readonly name = 'UnreadableWebhook';
}

/** The part of `x-death` that is used. */
const deathsSchema = z.array(z.looseObject({ queue: z.string() })).catch([]);
const deferralsSchema = z.int().min(0).catch(0);
const attemptSchema = z.int().min(1).max(1_000).default(1);

/** The webhook in a message. @throws UnreadableWebhook */
export function readWebhook(message: Pick<ReceivedMessage, 'content' | 'headers'>): PendingWebhook {
  const event = parseEvent(message.content);
  if (event === undefined) throw new UnreadableWebhook('The message is not a known event.');
  if (event.type !== 'job.completed' && event.type !== 'job.failed') {
    throw new UnreadableWebhook(`The event ${event.type} is not the end of a job.`);
  }
  const { request } = event.data;
  const url = URL.parse(request.callback_url ?? '');
  if (url === null) throw new UnreadableWebhook('The job has no callback_url.');
  const { data: attempt, problems } = validate(attemptSchema, message.headers[ATTEMPT_HEADER]);
  if (problems !== undefined) {
    throw new UnreadableWebhook(`Header ${ATTEMPT_HEADER}: ${describeProblems(problems)}`);
  }
  return {
    id: webhookIdOf(event),
    event,
    url,
    attempt,
    deferrals: deferralsSchema.parse(message.headers[DEFERRALS_HEADER]),
    isPutBack: isPutBack(message.headers),
  };
}

/** The same for every attempt and every copy of the event, because a run ends once. */
export function webhookIdOf({ data: { job_id, run } }: EndEvent): string {
  return `msg_${job_id}_${run}`;
}

/** Retry queues add an `x-death`, too; only dead letters have one of the delivery queue. */
function isPutBack(headers: ReceivedMessage['headers']): boolean {
  const deaths = deathsSchema.parse(headers['x-death']);
  return headers[PUT_BACK_HEADER] !== undefined || deaths.some(({ queue }) => queue === queueNames.webhooks);
}

/** The message for `attempt`, published to the queue of webhooks only. */
export function deliveryMessage(event: JobEvent, attempt: number): OutgoingMessage {
  const message = eventMessage(event);
  return {
    ...message,
    ...destinationOf(queueNames.webhooks),
    messageId: `${event.id}/webhook/${attempt}`,
    headers: { ...message.headers, [ATTEMPT_HEADER]: attempt },
  };
}

/**
 * The message for `attempt`, published to the retry queue of this delay. Its headers are new: with a copied `x-death` the
 * broker would drop the message as a dead-letter cycle.
 *
 * @param more headers
 */
export function retryMessage(
  { event }: PendingWebhook,
  retryDelay: RetryDelay,
  delayMs: number,
  attempt: number,
  more: Readonly<Record<string, number>> = {},
): OutgoingMessage {
  const message = deliveryMessage(event, attempt);
  return {
    ...message,
    routingKey: retryDelay.label,
    headers: { ...message.headers, ...more },
    expirationMs: delayMs,
  };
}
