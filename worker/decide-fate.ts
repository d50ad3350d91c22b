import type { Rung } from '@image-pipeline/shared/broker/topology.ts';
import type { Failure } from '@image-pipeline/shared/contracts/job.ts';
import {
  PermanentFailure,
  PipelineError,
  TransientFailure,
  messageOf,
} from '@image-pipeline/shared/errors.ts';

/** What becomes of an attempt that failed: another one after a while, or the end of the run. */
export type Fate =
  | { readonly kind: 'retry'; readonly rung: Rung; readonly error: Failure }
  | { readonly kind: 'fail'; readonly error: Failure };

/**
 * The one place that decides whether a failed attempt is made again. A permanent failure ends the run at once.
 * Anything else may pass, even an error that nobody expected: it climbs the ladder, one rung an attempt, and ends
 * the run when no rung is left.
 *
 * @param attempt from 1
 */
export function decideFate(thrown: unknown, attempt: number, ladder: readonly Rung[]): Fate {
  const error = failureOf(thrown);
  const rung = ladder[attempt - 1];
  if (thrown instanceof PermanentFailure) return { kind: 'fail', error };
  if (rung !== undefined) return { kind: 'retry', rung, error };
  const tries = attempt === 1 ? '' : ` (attempt ${attempt} of ${ladder.length + 1})`;
  return { kind: 'fail', error: { ...error, reason: `${error.reason}${tries}` } };
}

/** Only expected errors speak to the public; of the others just the fact is told. */
function failureOf(thrown: unknown): Failure {
  if (thrown instanceof PermanentFailure || thrown instanceof TransientFailure) {
    return { code: thrown.code, reason: thrown.message };
  }
  const reason =
    thrown instanceof PipelineError
      ? messageOf(thrown)
      : 'an unexpected error of the worker; its log says more';
  return { code: 'processing_failed', reason };
}
