import type { Rung } from '@image-pipeline/shared/broker/topology.ts';
import {
  webhookErrors,
  type WebhookErrorCode,
  type WebhookFailure,
} from '@image-pipeline/shared/contracts/webhook.ts';
import type { PostResult } from './post-webhook.ts';

/** What becomes of a webhook after an attempt to deliver it. */
export type DeliveryFate =
  | { readonly state: 'delivered' }
  | {
      readonly state: 'retrying';
      readonly delayMs: number;
      readonly rung: Rung;
      readonly error: WebhookFailure;
    }
  | { readonly state: 'dead'; readonly error: WebhookFailure };

/** The shortest that a delay is made by chance, as a part of the rung's. */
const SHORTEST = 0.5;

/**
 * The one place that decides whether a webhook is sent again. 2xx is delivered. 410 and an address that is refused end
 * it at once. Anything else climbs the ladder, one rung an attempt; `Retry-After` may ask for a longer rung.
 *
 * @param attempt from 1
 * @param chance from 0 to 1, which spreads retries over 50 to 100 % of the rung's delay, so that those that failed
 * together do not come back together
 */
export function decideDeliveryFate(
  result: PostResult,
  attempt: number,
  ladder: readonly Rung[],
  chance: number,
): DeliveryFate {
  const error = failureOf(result);
  if (error === undefined) return { state: 'delivered' };
  if (error.code === 'gone' || error.code === 'address_refused') return { state: 'dead', error };
  const askedMs = 'retryAfterMs' in result ? (result.retryAfterMs ?? 0) : 0;
  const rung = rungFor(attempt, ladder, askedMs);
  if (rung === undefined) {
    const tries = `${error.reason} (attempt ${attempt} of ${ladder.length + 1})`;
    return { state: 'dead', error: { ...error, reason: tries } };
  }
  const spreadMs = Math.ceil(rung.delayMs * (SHORTEST + (1 - SHORTEST) * chance));
  return { state: 'retrying', rung, delayMs: Math.max(spreadMs, Math.min(askedMs, rung.delayMs)), error };
}

/** The rung of this attempt, or a later one that is long enough, or the last. */
function rungFor(attempt: number, ladder: readonly Rung[], askedMs: number): Rung | undefined {
  const left = ladder.slice(attempt - 1);
  return left.find(({ delayMs }) => delayMs >= askedMs) ?? left.at(-1);
}

function failureOf(result: PostResult): WebhookFailure | undefined {
  if ('code' in result)
    return { code: result.code, reason: `${webhookErrors[result.code]} ${result.reason}`.trim() };
  const { status } = result;
  if (status >= 200 && status < 300) return undefined;
  const code = codeOf(status);
  return { code, reason: `${webhookErrors[code]} It was ${status}.` };
}

function codeOf(status: number): WebhookErrorCode {
  if (status === 410) return 'gone';
  return status >= 300 && status < 400 ? 'redirected' : 'not_accepted';
}
