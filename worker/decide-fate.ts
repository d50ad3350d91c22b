import type { Rung } from '@image-pipeline/shared/broker/topology.ts';
import type { Failure } from '@image-pipeline/shared/contracts/job.ts';
import {
  PermanentFailure,
  PipelineError,
  TransientFailure,
  messageOf,
} from '@image-pipeline/shared/errors.ts';

/** What happens after a failed attempt: a retry after a delay, or the end of the run. */
export type Fate =
  | { readonly kind: 'retry'; readonly rung: Rung; readonly error: Failure }
  | { readonly kind: 'fail'; readonly error: Failure };

/**
 * The one place that decides whether a failed attempt is retried. A permanent failure ends the run at once. Anything
 * else, unexpected errors included, is retried after the delay for this attempt, and ends the run after the last one.
 *
 * @param attempt from 1
 * @param ladder the retry delays, in order
 */
export function decideFate(thrown: unknown, attempt: number, ladder: readonly Rung[]): Fate {
  const error = failureOf(thrown);
  const rung = ladder[attempt - 1];
  if (thrown instanceof PermanentFailure) return { kind: 'fail', error };
  if (rung !== undefined) return { kind: 'retry', rung, error };
  const tries = attempt === 1 ? '' : ` (attempt ${attempt} of ${ladder.length + 1})`;
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
      : 'Unexpected error in the worker. Its log has the details.';
  return { code: 'processing_failed', reason };
}
