import type { RetryDelay } from '@image-pipeline/shared/broker/topology.ts';
import type { Failure } from '@image-pipeline/shared/contracts/job.ts';
import {
  PermanentFailure,
  PipelineError,
  TransientFailure,
  messageOf,
} from '@image-pipeline/shared/errors.ts';

/** What happens after a failed attempt: a retry after a delay, or the end of the run. */
export type Fate =
  | { readonly kind: 'retry'; readonly retryDelay: RetryDelay; readonly error: Failure }
  | { readonly kind: 'fail'; readonly error: Failure };

/**
 * The one place that decides whether a failed attempt is retried. A permanent failure ends the run at once. Anything
 * else, unexpected errors included, is retried after the delay for this attempt, and ends the run after the last one.
 *
 * @param attempt from 1
 * @param retryDelays the retry delays, in order
 */
export function decideFate(thrown: unknown, attempt: number, retryDelays: readonly RetryDelay[]): Fate {
  const error = failureOf(thrown);
  const retryDelay = retryDelays[attempt - 1];
  if (thrown instanceof PermanentFailure) return { kind: 'fail', error };
  if (retryDelay !== undefined) return { kind: 'retry', retryDelay, error };
  const tries = attempt === 1 ? '' : ` (attempt ${attempt} of ${retryDelays.length + 1})`;
  return { kind: 'fail', error: { ...error, reason: `${error.reason}${tries}` } };
}

/** Only the messages of expected errors are public. */
function failureOf(thrown: unknown): Failure {
  if (thrown instanceof PermanentFailure || thrown instanceof TransientFailure) {
    return { code: thrown.code, reason: thrown.message };
  }
  const reason =
    thrown instanceof PipelineError
      ? messageOf(thrown)
      : 'Unexpected error in the worker. See its log for details.';
  return { code: 'processing_failed', reason };
}
