import {
  webhookAttemptSchema,
  webhookErrors,
  webhookStates,
  webhookTypes,
  type WebhookAttempt,
} from '@image-pipeline/shared/contracts/webhook.ts';
import { z } from 'zod';

const time = z.iso.datetime();
const meanings = Object.entries(webhookErrors).map(([code, meaning]) => `\`${code}\`: ${meaning}`);

const deliverySchema = z
  .object({
    event: z.enum(webhookTypes),
    run: z.int().min(1),
    attempt: z.int().min(1),
    at: time,
    state: z.enum(webhookStates).meta({
      description: '`dead`: given up; the event lies in RabbitMQ’s queue image.webhooks.dead.',
    }),
    status: z.int().optional().meta({ description: 'HTTP status of the receiver’s answer, if one came.' }),
    error: webhookAttemptSchema.shape.error.meta({ description: meanings.join(' ') }),
    next_attempt_at: time.optional().meta({ description: 'Not before this.' }),
  })
  .meta({ id: 'WebhookDelivery', description: 'One attempt to deliver a webhook.' });

export const callbackSchema = z
  .object({
    url: z.string(),
    deliveries: z.array(deliverySchema).optional().meta({
      description: 'Oldest first; missing while the store does not answer.',
    }),
  })
  .meta({ id: 'Callback', description: 'The webhook that was asked for.' });

/** Undefined where the store did not tell. */
export type Deliveries = readonly WebhookAttempt[] | undefined;

/** What `/status` answers about the webhook of a job. */
export function callbackAnswer(
  url: string | undefined,
  deliveries: Deliveries,
): { callback?: z.output<typeof callbackSchema> } {
  if (url === undefined) return {};
  if (deliveries === undefined) return { callback: { url } };
  return { callback: { url, deliveries: deliveries.map(deliveryAnswer) } };
}

function deliveryAnswer(made: WebhookAttempt): z.output<typeof deliverySchema> {
  const { event, run, attempt, at, state, status, error, next_attempt_at } = made;
  return {
    event: event.type,
    run,
    attempt,
    at,
    state,
    ...(status === undefined ? {} : { status }),
    ...(error === undefined ? {} : { error }),
    ...(next_attempt_at === undefined ? {} : { next_attempt_at }),
  };
}
