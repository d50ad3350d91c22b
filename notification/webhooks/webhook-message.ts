import type { ReceivedMessage } from '@image-pipeline/shared/broker/consumer.ts';
import type { OutgoingMessage } from '@image-pipeline/shared/broker/publisher.ts';
import { queueNames, webhookRetryQueueName, type Rung } from '@image-pipeline/shared/broker/topology.ts';
import type { JobEvent } from '@image-pipeline/shared/contracts/event.ts';
import { messageOf } from '@image-pipeline/shared/errors.ts';
import { eventMessage, parseEvent } from '@image-pipeline/shared/jobs/event-follower.ts';
import { z } from 'zod';

/** Counts attempts to deliver; `x-attempt` counts those of the worker. */
export const ATTEMPT_HEADER = 'x-webhook-attempt';

/** Counts how often it was put off since its last attempt, because its receiver had its share. */
export const DEFERRALS_HEADER = 'x-webhook-deferrals';

/** Set where a message that people put back had to wait, as its `x-death` does not go with it. */
export const PUT_BACK_HEADER = 'x-webhook-put-back';

export type EndEvent = Extract<JobEvent, { type: 'job.completed' | 'job.failed' }>;

/** A webhook that is to be delivered. */
export interface PendingWebhook {
  /** The same for every attempt, and for every copy of the event: a run ends once. No dots. */
  readonly id: string;
  readonly event: EndEvent;
  readonly url: URL;
  /** From 1. */
  readonly attempt: number;
  /** How often it was put off since its last attempt. */
  readonly deferrals: number;
  /** It was a dead letter, and people moved it back into the queue. */
  readonly isPutBack: boolean;
}

/** The message can never be delivered. */
export class UnreadableWebhook extends Error {
  override readonly name = 'UnreadableWebhook';
}

/** Of what the broker writes about each queue that a message left. */
const deathsSchema = z.array(z.looseObject({ queue: z.string() })).catch([]);
const deferralsSchema = z.int().min(0).catch(0);
const attemptSchema = z.int().min(1).max(1_000).default(1);

/** The webhook in a message. @throws UnreadableWebhook */
export function readWebhook(message: Pick<ReceivedMessage, 'content' | 'headers'>): PendingWebhook {
  const event = parseEvent(message.content);
  if (event === undefined) throw new UnreadableWebhook('the message is no event that this version knows');
  if (event.type !== 'job.completed' && event.type !== 'job.failed') {
    throw new UnreadableWebhook(`the event ${event.type} is no end of a job`);
  }
  const { job_id, run, request } = event.data;
  const url = URL.parse(request.callback_url ?? '');
  if (url === null) throw new UnreadableWebhook('the job asks for no webhook');
  const attempt = attemptSchema.safeParse(message.headers[ATTEMPT_HEADER]);
  if (!attempt.success) {
    throw new UnreadableWebhook(
      `the header ${ATTEMPT_HEADER}: ${messageOf(attempt.error.issues[0]?.message)}`,
    );
  }
  return {
    id: `msg_${job_id}_${run}`,
    event,
    url,
    attempt: attempt.data,
    deferrals: deferralsSchema.parse(message.headers[DEFERRALS_HEADER]),
    isPutBack: isPutBack(message.headers),
  };
}

/** A rung gives messages an `x-death`, too; only what was dead has one of the webhooks' own queue. */
function isPutBack(headers: ReceivedMessage['headers']): boolean {
  const deaths = deathsSchema.parse(headers['x-death']);
  return headers[PUT_BACK_HEADER] !== undefined || deaths.some(({ queue }) => queue === queueNames.webhooks);
}

/**
 * The event again, for the rung that holds it until `attempt`. Its headers are built anew: a copied `x-death` would make
 * the broker take the message for one that runs in circles.
 *
 * @param more headers
 */
export function retryMessage(
  { event }: PendingWebhook,
  rung: Rung,
  delayMs: number,
  attempt: number,
  more: Readonly<Record<string, number>> = {},
): OutgoingMessage {
  const message = eventMessage(event);
  return {
    ...message,
    // The default exchange, whose routing key is the name of the queue.
    exchange: '',
    routingKey: webhookRetryQueueName(rung),
    messageId: `${event.id}/webhook/${attempt}`,
    headers: { ...message.headers, [ATTEMPT_HEADER]: attempt, ...more },
    expirationMs: delayMs,
  };
}
