import { z } from 'zod';
import { failureSchema, jobIdSchema } from './job.ts';

/** The events of webhooks: the end of a run. */
export const webhookTypes = ['job.completed', 'job.failed'] as const;

const time = z.iso.datetime();
const side = z.int().min(1).meta({ description: 'pixels' });

/** The body of a webhook (Standard Webhooks). Its headers are in `webhookHeaders`. */
export const webhookBodySchema = z
  .object({
    type: z.enum(webhookTypes),
    timestamp: time.meta({ description: 'When the run ended.' }),
    data: z.object({
      job_id: jobIdSchema,
      run: z.int().min(1).meta({ description: '1 for the first run; each replay adds one.' }),
      attempt: z.int().min(1).meta({ description: 'The last attempt of the run.' }),
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
  .meta({ id: 'Webhook', description: 'The end of a run of a job.' });
export type WebhookBody = z.output<typeof webhookBodySchema>;

/** The headers of a webhook. */
export const webhookHeaders = {
  'webhook-id': 'The same for every attempt to deliver this event: use it to ignore duplicates.',
  'webhook-timestamp': 'Time of this attempt in seconds since 1970; reject webhooks older than 5 minutes.',
  'webhook-signature':
    '`v1,` and the base64 HMAC-SHA256 of `id.timestamp.body`; several, separated by spaces, during a rotation of the secret.',
} as const;
/** Optional headers of a webhook. */
export const optionalWebhookHeaders = {
  traceparent: 'The trace of the upload (W3C Trace Context).',
} as const;
export type WebhookHeaders = Record<keyof typeof webhookHeaders, string>;

/** Why a delivery attempt failed. */
export const webhookErrors = {
  address_refused: 'The address of the receiver is not public and not in WEBHOOK_ALLOWED_HOSTS.',
  name_not_found: 'The host name of the receiver could not be resolved.',
  not_connected: 'The receiver did not accept the connection.',
  connection_lost: 'The connection was closed before a response was received.',
  timed_out: 'The receiver did not respond in time.',
  redirected: 'The receiver returned a redirect, which is not followed.',
  gone: 'The receiver returned 410, so the webhook is not retried.',
  not_accepted: 'The receiver returned a status other than 2xx.',
} as const;
export type WebhookErrorCode = keyof typeof webhookErrors;

export const webhookStates = ['delivered', 'retrying', 'dead'] as const;

/**
 * One attempt to deliver a webhook: the object `jobs/{job_id}/webhooks/{k}.json`, put-if-absent. An attempt in state
 * `retrying` is written once RabbitMQ has confirmed the message for the next attempt.
 */
export const webhookAttemptSchema = z.object({
  version: z.literal(1),
  /** Random: distinguishes concurrent writers of the same key. */
  attempt_id: z.string(),
  webhook_id: z.string(),
  job_id: jobIdSchema,
  run: z.int().min(1),
  event: z.object({ id: z.string(), type: z.enum(webhookTypes) }),
  attempt: z.int().min(1),
  at: time,
  duration_ms: z.int().min(0),
  state: z.enum(webhookStates),
  /** HTTP status of the response, if there was one. */
  status: z.int().optional(),
  error: z
    .object({
      code: z.enum(Object.keys(webhookErrors) as [WebhookErrorCode, ...WebhookErrorCode[]]),
      reason: z.string(),
    })
    .optional(),
  /** Earliest time of the next attempt. */
  next_attempt_at: time.optional(),
});
export type WebhookAttempt = z.output<typeof webhookAttemptSchema>;
export type WebhookFailure = NonNullable<WebhookAttempt['error']>;
