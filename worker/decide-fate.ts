import type { RetryDelay } from '@image-pipeline/shared/broker/topology.ts';
import type { Failure, TimelineEntry } from '@image-pipeline/shared/contracts/job.ts';
import {
  PermanentFailure,
  PipelineError,
  TransientFailure,
  isDamagedRecord,
  messageOf,
  type ErrorCode,
} from '@image-pipeline/shared/errors.ts';

/** What happens after a failed attempt: a retry after a delay, or the end of the run. */
export type Fate =
  | { readonly kind: 'retry'; readonly retryDelay: RetryDelay; readonly error: Failure }
  | { readonly kind: 'fail'; readonly error: Failure };

/** Limits that the same bytes are likely to exceed again. */
const LIMITS = new Set<string>(['deadline_exceeded', 'memory_exceeded'] satisfies ErrorCode[]);

/** Whether an earlier attempt of the run exceeded its time or memory limit. */
function hasExceededLimit(history: readonly TimelineEntry[]): boolean {
  return history.some(({ error }) => error !== undefined && LIMITS.has(error.code));
}

/** Whether a job starts only while no other slow one runs: it exceeded a limit, or had to make way for a slow one. */
export function isSlowJob(history: readonly TimelineEntry[]): boolean {
  return hasExceededLimit(history) || history.some(({ error }) => error?.code === MADE_WAY);
}

/** The error of an attempt that ended because the slow lane was taken. It counts neither as a limit nor as a failure. */
export const MADE_WAY = 'slow_image' satisfies ErrorCode;

/**
 * The one place that decides whether a failed attempt is retried. A permanent failure or a damaged record ends the run at once. An attempt
 * that exceeds its time or memory limit is retried once in a run. Anything else, unexpected errors included, is retried
 * after the delay for this failure, and ends the run after the last one. An attempt that made way for another slow image is
 * always retried, after the first delay, and is not a failure: then its job enters the slow lane before it starts.
 *
 * @param job its attempt, from 1, and the timeline entries of earlier attempts
 * @param retryDelays the retry delays, in order
 */
export function decideFate(
  thrown: unknown,
  { attempt, history }: { readonly attempt: number; readonly history: readonly TimelineEntry[] },
  retryDelays: readonly RetryDelay[],
): Fate {
  const error = failureOf(thrown);
  if (thrown instanceof PermanentFailure || isDamagedRecord(thrown)) return { kind: 'fail', error };
  if (LIMITS.has(error.code) && hasExceededLimit(history)) {
    return failedAfter(error, `attempt ${attempt}; a job that exceeds a limit is retried only once`);
  }
  const timesMadeWay = history.filter((entry) => entry.error?.code === MADE_WAY).length;
  const retryDelay = retryDelays[error.code === MADE_WAY ? 0 : attempt - timesMadeWay - 1];
  if (retryDelay !== undefined) return { kind: 'retry', retryDelay, error };
  return attempt === 1
    ? { kind: 'fail', error }
    : failedAfter(error, `attempt ${attempt} of ${retryDelays.length + timesMadeWay + 1}`);
}

function failedAfter(error: Failure, attempts: string): Fate {
  return { kind: 'fail', error: { ...error, reason: `${error.reason} (${attempts})` } };
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
  return { code: isDamagedRecord(thrown) ? 'record_damaged' : 'processing_failed', reason };
}
