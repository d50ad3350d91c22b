import type { WebhookBody, WebhookHeaders } from '@image-pipeline/shared/contracts/webhook.ts';
import { postInSpan } from '@image-pipeline/shared/tracing/http-spans.ts';
import { Webhook } from 'standardwebhooks';
import { postWebhook, type PostOptions, type PostResult } from './post-webhook.ts';
import type { EndEvent, PendingWebhook } from './webhook-message.ts';

export interface SendOptions extends PostOptions {
  readonly secrets: readonly string[];
  /** See PUBLIC_API_URL. */
  readonly apiUrl: string;
}

/** The result of one attempt. */
export interface SentWebhook {
  readonly result: PostResult;
  readonly at: Date;
  readonly durationMs: number;
}

/** Makes the body of a webhook, signs it as of now, and posts it once. @throws the reason of the signal */
export async function sendWebhook(
  { id, event, url }: PendingWebhook,
  options: SendOptions,
): Promise<SentWebhook> {
  const at = new Date();
  const began = performance.now();
  const body = JSON.stringify(webhookBody(event, options.apiUrl));
  const headers = {
    ...signWebhook(id, body, options.secrets, at),
    'content-type': 'application/json',
    'user-agent': 'image-pipeline-webhooks/1',
  };
  const result = await postInSpan(url, (trace) => postWebhook(url, { ...headers, ...trace }, body, options));
  return { result, at, durationMs: Math.round(performance.now() - began) };
}

/**
 * The headers that authenticate a webhook (Standard Webhooks 1.0): HMAC-SHA256 over `id.timestamp.body`.
 * @param id without dots, which separate the signed parts
 * @param secrets `whsec_…`, one or more: each signs, so that secrets can be rotated
 */
function signWebhook(id: string, body: string, secrets: readonly string[], at: Date): WebhookHeaders {
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
    'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(id, at, body)).join(' '),
  };
}

/**
 * The body of a webhook: the public part of the outcome, without keys of the store.
 * @param apiUrl prefix of the API's paths, without a trailing slash; if empty, URLs are relative
 */
function webhookBody(event: EndEvent, apiUrl: string): WebhookBody {
  const { job_id, run, attempt, outcome } = event.data;
  const data = { job_id, run, attempt, status: outcome.state, status_url: `${apiUrl}/status/${job_id}` };
  if (outcome.state === 'failed') {
    return { type: event.type, timestamp: event.time, data: { ...data, error: outcome.error } };
  }
  const { content_type, size, width, height, sha256 } = outcome.result;
  const result = { url: `${apiUrl}/results/${job_id}`, content_type, size, width, height, sha256 };
  const thumbnail_url = `${apiUrl}/thumbnail/${job_id}`;
  return { type: event.type, timestamp: event.time, data: { ...data, result, thumbnail_url } };
}
