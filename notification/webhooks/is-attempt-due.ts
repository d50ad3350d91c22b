import type { WebhookAttempt } from '@image-pipeline/shared/contracts/webhook.ts';

/** What to do with a webhook that was delivered to us: post it, or settle what is over already. */
export type Due = 'attempt' | 'duplicate' | 'dead-letter';

/**
 * Events and retries may come twice: a worker that lost its connection says again what it has said. A run that is
 * delivered is never told again. An attempt that is written down as `retrying` has a successor on its rung. One that is
 * written down as `dead` is not yet a dead letter if the broker gives it to us again; a fresh one has been put back by
 * people, and gets another attempt.
 *
 * @param history of the run
 * @param isRedelivered whether the broker gave this message out before
 */
export function whatIsDue(
  history: readonly Pick<WebhookAttempt, 'state' | 'attempt'>[],
  attempt: number,
  isRedelivered: boolean,
): Due {
  if (history.some(({ state }) => state === 'delivered')) return 'duplicate';
  if (history.some(({ state }) => state === 'dead')) return isRedelivered ? 'dead-letter' : 'attempt';
  return history.some((made) => made.attempt >= attempt) ? 'duplicate' : 'attempt';
}
