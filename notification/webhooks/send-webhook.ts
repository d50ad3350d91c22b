import { postInSpan } from '@image-pipeline/shared/tracing/http-spans.ts';
import { postWebhook, type PostOptions, type PostResult } from './post-webhook.ts';
import type { PendingWebhook } from './read-webhook.ts';
import { signWebhook } from './sign-webhook.ts';
import { webhookBody } from './webhook-body.ts';

export interface SendOptions extends PostOptions {
  readonly secrets: readonly string[];
  /** See PUBLIC_API_URL. */
  readonly apiUrl: string;
}

/** What came of one attempt. */
export interface SentWebhook {
  readonly result: PostResult;
  readonly at: Date;
  readonly durationMs: number;
}

/** Makes the body of a webhook, signs it as of now, and posts it once. @throws what the signal aborts with */
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
