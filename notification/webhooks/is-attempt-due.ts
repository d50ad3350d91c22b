import type { WebhookAttempt } from '@image-pipeline/shared/contracts/webhook.ts';

/** What to do with a webhook message: post it, or settle it because the webhook has ended already. */
export type Due = 'attempt' | 'duplicate' | 'dead-letter';

/** How the message reached this service. */
export interface Origin {
  /** The broker delivered it before. */
  readonly isRedelivered: boolean;
  /** An operator moved it back from the dead-letter queue. */
  readonly isPutBack: boolean;
}

/**
 * Events and retries may arrive twice: the worker and the DLQ recorder both publish the end of a failed run. A delivered
 * webhook is never sent again. An attempt recorded as `retrying` has a successor in a retry queue. One recorded as
 * `dead` is not yet dead-lettered if the broker redelivers it; one that an operator moved back starts again; any other
 * is a duplicate.
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
