import type { RetryDelay } from '@image-pipeline/shared/broker/topology.ts';
import {
  webhookErrors,
  type WebhookErrorCode,
  type WebhookFailure,
} from '@image-pipeline/shared/contracts/webhook.ts';
import type { PostResult } from './post-webhook.ts';

/** What happens to a webhook after an attempt to deliver it. */
export type DeliveryFate =
  | { readonly state: 'delivered' }
  | {
      readonly state: 'retrying';
      readonly delayMs: number;
      readonly retryDelay: RetryDelay;
      readonly error: WebhookFailure;
    }
  | { readonly state: 'dead'; readonly error: WebhookFailure };

/** Minimum part of a retry delay: jitter shortens it to 50 to 100 %. */
const MIN_DELAY_PART = 0.5;

/**
 * The one place that decides whether a webhook is retried. 2xx means delivered. 410 and a forbidden address end it at
 * once. Anything else is retried, with one delay per attempt; `Retry-After` may select a longer delay.
 *
 * @param attempt from 1
 * @param retryDelays the retry delays, in order
 * @param chance jitter from 0 to 1: retries are spread over 50 to 100 % of the delay, so that webhooks that failed
 * together are not retried together
 */
export function decideDeliveryFate(
  result: PostResult,
  attempt: number,
  retryDelays: readonly RetryDelay[],
  chance: number,
): DeliveryFate {
  const error = failureOf(result);
  if (error === undefined) return { state: 'delivered' };
  if (error.code === 'gone' || error.code === 'address_refused') return { state: 'dead', error };
  const askedMs = 'retryAfterMs' in result ? (result.retryAfterMs ?? 0) : 0;
  const retryDelay = retryDelayFor(attempt, retryDelays, askedMs);
  if (retryDelay === undefined) {
    const tries = `${error.reason} (attempt ${attempt} of ${retryDelays.length + 1})`;
    return { state: 'dead', error: { ...error, reason: tries } };
  }
  const spreadMs = Math.ceil(retryDelay.delayMs * (MIN_DELAY_PART + (1 - MIN_DELAY_PART) * chance));
  return {
    state: 'retrying',
    retryDelay,
    delayMs: Math.max(spreadMs, Math.min(askedMs, retryDelay.delayMs)),
    error,
  };
}

/** The delay of this attempt, or a later one that is long enough, or the last. */
function retryDelayFor(
  attempt: number,
  retryDelays: readonly RetryDelay[],
  askedMs: number,
): RetryDelay | undefined {
  const left = retryDelays.slice(attempt - 1);
  return left.find(({ delayMs }) => delayMs >= askedMs) ?? left.at(-1);
}

function failureOf(result: PostResult): WebhookFailure | undefined {
  if ('code' in result)
    return { code: result.code, reason: `${webhookErrors[result.code]} ${result.reason}`.trim() };
  const { status } = result;
  if (status >= 200 && status < 300) return undefined;
  const code = codeOf(status);
  return { code, reason: `${webhookErrors[code]} Status: ${status}.` };
}

function codeOf(status: number): WebhookErrorCode {
  if (status === 410) return 'gone';
  return status >= 300 && status < 400 ? 'redirected' : 'not_accepted';
}
