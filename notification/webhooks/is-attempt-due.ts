import type { WebhookAttempt } from '@image-pipeline/shared/contracts/webhook.ts';

/** What to do with a webhook that was delivered to us: post it, or settle what is over already. */
export type Due = 'attempt' | 'duplicate' | 'dead-letter';

/** Where a message comes from. */
export interface Origin {
  /** It gave this message out before. */
  readonly isRedelivered: boolean;
  /** People put it back from the dead letters. */
  readonly isPutBack: boolean;
}

/**
 * Events and retries may come twice: worker and burial recorder both say how a run failed. A run that is delivered is
 * never told again. An attempt that is written down as `retrying` has a successor on its rung. One that is written down
 * as `dead` is not yet a dead letter if the broker gives it to us again; what people put back begins anew; any
 * other is a copy.
 *
 * @param history of the run, oldest first
 */
export function whatIsDue(
  history: readonly Pick<WebhookAttempt, 'state' | 'attempt'>[],
  attempt: number,
  { isRedelivered, isPutBack }: Origin,
): Due {
  if (history.some(({ state }) => state === 'delivered')) return 'duplicate';
  if (history.at(-1)?.state === 'dead') {
    if (isRedelivered) return 'dead-letter';
    return isPutBack ? 'attempt' : 'duplicate';
  }
  const sinceDeath = history.slice(history.findLastIndex(({ state }) => state === 'dead') + 1);
  return sinceDeath.some((made) => made.attempt >= attempt) ? 'duplicate' : 'attempt';
}
