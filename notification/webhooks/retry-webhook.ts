import type { OutgoingMessage } from '@image-pipeline/shared/broker/publisher.ts';
import { webhookRetryQueueName, type Rung } from '@image-pipeline/shared/broker/topology.ts';
import { eventMessage } from '@image-pipeline/shared/jobs/event-follower.ts';
import { ATTEMPT_HEADER, type PendingWebhook } from './read-webhook.ts';

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
