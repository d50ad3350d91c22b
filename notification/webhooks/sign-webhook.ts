import type { WebhookHeaders } from '@image-pipeline/shared/contracts/webhook.ts';
import { Webhook } from 'standardwebhooks';

/**
 * The headers that prove where a webhook comes from (Standard Webhooks 1.0): HMAC-SHA256 over `id.timestamp.body`.
 * @param id without dots, which would blur where it ends
 * @param secrets `whsec_…`, one or more: each signs, so that receivers can change theirs at any time
 */
export function signWebhook(id: string, body: string, secrets: readonly string[], at: Date): WebhookHeaders {
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
    'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(id, at, body)).join(' '),
  };
}
