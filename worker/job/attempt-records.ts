import type { OutgoingMessage } from '@image-pipeline/shared/broker/publisher.ts';
import {
  type Destination,
  destinationOf,
  queueNames,
  retryDestination,
  type RetryDelay,
} from '@image-pipeline/shared/broker/topology.ts';
import {
  queuedEntry,
  type Failure,
  type JobMessage,
  type TimelineEntry,
} from '@image-pipeline/shared/contracts/job.ts';
import type { CompletedOutcome, FailedOutcome } from '@image-pipeline/shared/contracts/outcome.ts';
import { POSTPONED_BECAUSE, withEntry } from '@image-pipeline/shared/contracts/job-order.ts';
import type { AttemptResult } from './attempt-job.ts';
import { lastRetry } from '../decide-fate.ts';
import { startEntries, type JobContext } from './job-context.ts';

/** @param at when the run ended, RFC 3339 */
export function completedOutcome(job: JobContext, made: AttemptResult, at: string): CompletedOutcome {
  const waitedFrom = lastRetry(job.history)?.at ?? job.request.submitted_at;
  const wait_ms = Math.max(0, Date.parse(job.started.at) - Date.parse(waitedFrom));
  return {
    ...common(job, { state: 'completed', at }),
    state: 'completed',
    ...made,
    timings: { wait_ms, ...made.timings },
  };
}

/** @param at when the run ended, RFC 3339 */
export function failedOutcome(job: JobContext, error: Failure, at: string): FailedOutcome {
  return { ...common(job, { state: 'failed', at, error }), state: 'failed', error };
}

function common(job: JobContext, end: Pick<TimelineEntry, 'state' | 'at' | 'error'>) {
  const { request, attempt, attemptId, history, started } = job;
  const earlier = [queuedEntry(request), ...history, ...startEntries(job)];
  const { run } = request;
  return {
    version: 1,
    job_id: request.job_id,
    run,
    attempt,
    attempt_id: attemptId,
    worker: started.worker,
    finished_at: end.at,
    timeline: [...earlier, { run, attempt, worker: started.worker, ...end }],
  } as const satisfies Partial<CompletedOutcome>;
}

/** The message for the next attempt. */
export function nextAttemptMessage(
  job: JobContext,
  destination: Destination,
  hop: Pick<TimelineEntry, 'at' | 'retry_at' | 'worker' | 'error'>,
): OutgoingMessage {
  const { request, attempt, history } = job;
  const retrying = { state: 'retrying', run: request.run, attempt, ...hop } as const;
  return attemptMessage(job, attempt + 1, [...history, ...startEntries(job), retrying], destination);
}

/** The message for the same attempt at a later time. */
export function postponedMessage(
  job: JobContext,
  entry: TimelineEntry,
  retryDelay: RetryDelay,
): OutgoingMessage {
  return attemptMessage(job, job.attempt, withEntry(job.history, entry), retryDestination(retryDelay));
}

/** The message for the same attempt, for the queue of slow images. */
export function movedMessage(job: JobContext): OutgoingMessage {
  return attemptMessage(job, job.attempt, job.history, destinationOf(queueNames.slow));
}

/** The timeline entry of a postponement. It belongs to the last attempt, because the next one has not started. */
export function postponedEntry(
  { request, attempt, history, started: { worker } }: JobContext,
  retryDelay: RetryDelay,
  now: number,
) {
  const after = attempt - 1;
  const earlier = history.find((entry) => entry.state === 'postponed' && entry.attempt === after);
  return {
    state: 'postponed',
    at: new Date(now).toISOString(),
    run: request.run,
    attempt: after,
    worker,
    postponement: (earlier?.postponement ?? 0) + 1,
    reason: POSTPONED_BECAUSE,
    retry_at: new Date(now + retryDelay.delayMs).toISOString(),
  } as const satisfies TimelineEntry;
}

/**
 * Its headers are new: with a copied `x-death` or `x-delivery-count` the broker would drop the message as a dead-letter
 * cycle.
 */
function attemptMessage(
  { request }: JobContext,
  attempt: number,
  history: readonly TimelineEntry[],
  destination: Destination,
): OutgoingMessage {
  const { job_id, run } = request;
  const body: JobMessage = { ...request, history: [...history] };
  return {
    ...destination,
    body,
    messageId: `${job_id}/${run}/${attempt}`,
    correlationId: job_id,
    type: 'job',
    contentType: 'application/json',
    headers: { 'x-run': run, 'x-attempt': attempt },
  };
}
