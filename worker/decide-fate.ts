import type { RetryDelay } from '@image-pipeline/shared/broker/topology.ts';
import { hasExceededLimit, SLOW_IMAGE } from '@image-pipeline/shared/contracts/job-order.ts';
import type { Failure, TimelineEntry } from '@image-pipeline/shared/contracts/job.ts';
import {
  PermanentFailure,
  PipelineError,
  TransientFailure,
  isDamagedRecord,
  messageOf,
} from '@image-pipeline/shared/errors.ts';

/** What happens after a failed attempt: a retry after a delay, a move to the queue for slow images, or the end of the run. */
export type Fate =
  | { readonly kind: 'retry'; readonly retryDelay: RetryDelay; readonly error: Failure }
  | { readonly kind: 'move'; readonly error: Failure }
  | { readonly kind: 'fail'; readonly error: Failure };

/**
 * The one place that decides whether a failed attempt is retried. A permanent failure or a damaged record ends the run at once.
 * An attempt that exceeds its time or memory limit is retried once in a run. Anything else, unexpected errors included, is
 * retried after the delay for this failure, and ends the run after the last one. A job whose image turns out to be slow is
 * moved at once, which is not a failure: it keeps all its retries.
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
  if (hasExceededLimit({ error }) && history.some(hasExceededLimit)) {
    return failedAfter(error, `attempt ${attempt}; a job that exceeds a limit is retried only once`);
  }
  if (error.code === SLOW_IMAGE) return { kind: 'move', error };
  const moves = history.filter((entry) => entry.error?.code === SLOW_IMAGE).length;
  const retryDelay = retryDelays[attempt - moves - 1];
  if (retryDelay !== undefined) return { kind: 'retry', retryDelay, error };
  return attempt === 1
    ? { kind: 'fail', error }
    : failedAfter(error, `attempt ${attempt} of ${retryDelays.length + moves + 1}`);
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

/** How long a job waits for another worker than the one where it exceeded a limit. */
const PREFER_ANOTHER_MS = 30_000;

export interface Turn {
  /** The timeline entries of the job's earlier attempts. */
  readonly history: readonly TimelineEntry[];
  readonly worker: string;
  /** The number of workers that consume jobs. */
  readonly workers: number;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Whether a worker leaves a job to another one, for 30 s: the job exceeded a limit here, and there are other workers. */
export function isForAnother({ history, worker, workers, now }: Turn): boolean {
  const last = lastRetry(history);
  if (last?.worker !== worker || last.error?.code === SLOW_IMAGE || workers < 2) return false;
  return now - Date.parse(last.at) < PREFER_ANOTHER_MS;
}

/** The entry of the last attempt, which failed or was moved. */
export function lastRetry(history: readonly TimelineEntry[]): TimelineEntry | undefined {
  return history.findLast(({ state }) => state === 'retrying');
}
