import { z } from 'zod';
import { failureSchema, jobIdSchema } from './job.ts';

/** What a webhook can tell: how a run ended. */
export const webhookTypes = ['job.completed', 'job.failed'] as const;

const time = z.iso.datetime();
const side = z.int().min(1).meta({ description: 'pixels' });

/** The body of a webhook, as Standard Webhooks shapes them. Its headers are in `webhookHeaders`. */
export const webhookBodySchema = z
  .object({
    type: z.enum(webhookTypes),
    timestamp: time.meta({ description: 'When the run ended.' }),
    data: z.object({
      job_id: jobIdSchema,
      run: z.int().min(1).meta({ description: '1, and one more each time the job is replayed.' }),
      attempt: z.int().min(1).meta({ description: 'The worker’s attempt in which the run ended.' }),
      status: z.enum(['completed', 'failed']),
      status_url: z.string(),
      result: z
        .object({
          url: z.string(),
          content_type: z.string(),
          size: z.int().min(1).meta({ description: 'bytes' }),
          width: side,
          height: side,
          sha256: z.string().meta({ description: 'hex' }),
        })
        .optional(),
      thumbnail_url: z.string().optional(),
      error: failureSchema.optional(),
    }),
  })
  .meta({ id: 'Webhook', description: 'How a run of a job ended.' });
export type WebhookBody = z.output<typeof webhookBodySchema>;

/** The headers of a webhook, and what they are. */
export const webhookHeaders = {
  'webhook-id': 'The same for every attempt to tell of this end: do once what has this id.',
  'webhook-timestamp':
    'When this attempt was made, in seconds since 1970; refuse what is older than 5 minutes.',
  'webhook-signature':
    'v1, and the base64 of HMAC-SHA256 over `id.timestamp.body`; several, divided by spaces, while a secret is changed.',
} as const;
/** Headers that a webhook may have besides. */
export const optionalWebhookHeaders = {
  traceparent: 'The trace of the upload (W3C Trace Context), for a receiver that takes part in it.',
} as const;
export type WebhookHeaders = Record<keyof typeof webhookHeaders, string>;

/** Why an attempt to deliver did not succeed. */
export const webhookErrors = {
  address_refused: 'The address of the receiver is not public, and not allowed by WEBHOOK_ALLOWED_HOSTS.',
  name_not_found: 'The name of the receiver could not be resolved.',
  not_connected: 'The receiver took no connection.',
  connection_lost: 'The connection ended before an answer came.',
  timed_out: 'No answer came in time.',
  redirected: 'The receiver answered with a redirect, which is not followed.',
  gone: 'The receiver answered 410: it wants no more of it.',
  not_accepted: 'The receiver answered with a status other than 2xx.',
} as const;
export type WebhookErrorCode = keyof typeof webhookErrors;

export const webhookStates = ['delivered', 'retrying', 'dead'] as const;

/**
 * One attempt to deliver a webhook: the object `jobs/{job_id}/webhooks/{k}.json`, put-if-absent. An attempt in state
 * `retrying` is written when RabbitMQ has confirmed the message that brings the next one.
 */
export const webhookAttemptSchema = z.object({
  version: z.literal(1),
  /** Random: tells apart writers who race for a key. */
  attempt_id: z.string(),
  webhook_id: z.string(),
  job_id: jobIdSchema,
  run: z.int().min(1),
  event: z.object({ id: z.string(), type: z.enum(webhookTypes) }),
  attempt: z.int().min(1),
  at: time,
  duration_ms: z.int().min(0),
  state: z.enum(webhookStates),
  /** Of the receiver's answer, if one came. */
  status: z.int().optional(),
  error: z
    .object({
      code: z.enum(Object.keys(webhookErrors) as [WebhookErrorCode, ...WebhookErrorCode[]]),
      reason: z.string(),
    })
    .optional(),
  /** Not before this. */
  next_attempt_at: time.optional(),
});
export type WebhookAttempt = z.output<typeof webhookAttemptSchema>;
export type WebhookFailure = NonNullable<WebhookAttempt['error']>;
