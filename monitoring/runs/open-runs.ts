import {
  jobQueueNames,
  queueNames,
  retryQueueName,
  type RetryDelay,
} from '@image-pipeline/shared/broker/topology.ts';
import { closestDelay } from '@image-pipeline/shared/contracts/job-order.ts';
import type { Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';
import { attemptOf, enteredQueueAt, type OpenRun } from './run-tracker.ts';

const RETRY_PREFIX = 'image.jobs.retry.';

/**
 * Open runs by state. A run whose retry is due counts as queued, unless it waits in the queue for slow images.
 * @param now milliseconds since 1970
 */
export function countOpenRuns(runs: Iterable<OpenRun>, now: number): Snapshot['jobs'] {
  const counts = { queued: 0, processing: 0, retrying: 0 };
  for (const run of runs) counts[isDue(run, now) && run.isSlow !== true ? 'queued' : run.state]++;
  return counts;
}

/** The run, as queued if its worker has gone: RabbitMQ redelivers the job, and no event reports it. */
export function requeueAbandoned(run: OpenRun, hasWorker: (name: string) => boolean): OpenRun {
  const isAbandoned = run.state === 'processing' && run.worker !== undefined && !hasWorker(run.worker);
  return isAbandoned ? { ...run, state: 'queued', worker: undefined } : run;
}

/**
 * Seconds that the oldest job has waited in each queue, by queue name; no entry for a queue without waiting jobs.
 * Quorum queues do not report it themselves.
 * @param now milliseconds since 1970
 */
export function headAges(
  runs: Iterable<OpenRun>,
  retryDelays: readonly RetryDelay[],
  now: number,
): ReadonlyMap<string, number> {
  const ages = new Map<string, number>();
  const waits = (queue: string, since: number) =>
    ages.set(queue, Math.max(ages.get(queue) ?? 0, (now - since) / 1_000));
  for (const run of runs) {
    const queue = run.isSlow === true ? queueNames.slow : queueNames.process;
    if (run.state === 'queued') waits(queue, run.since);
    else if (isDue(run, now)) waits(queue, run.retry_at ?? now);
    else if (run.state === 'retrying') {
      const { since, retry_at = since } = run;
      const delay = closestDelay(retry_at - since, retryDelays, ({ delayMs }) => delayMs);
      if (delay !== undefined) waits(retryQueueName(delay), run.since);
    }
  }
  return ages;
}

/** Whether jobs wait in this queue for a worker or for their next attempt. */
export function holdsWaitingJobs(queue: string): boolean {
  return jobQueueNames.includes(queue) || queue.startsWith(RETRY_PREFIX);
}

function isDue({ state, retry_at }: OpenRun, now: number): boolean {
  return state === 'retrying' && retry_at !== undefined && retry_at <= now;
}

/**
 * For this long after a message has moved, the management API may count it in its old queue or nowhere: each queue reports
 * every 5 s, and each at another moment.
 */
export const MOVE_SETTLES_MS = 10_000;

/** Number of runs that may be in transit to a retry queue or back. @param now milliseconds since 1970 */
export function countMoving(runs: Iterable<OpenRun>, now: number): number {
  let moving = 0;
  for (const run of runs) {
    const wasRetried = run.state === 'retrying' || attemptOf(run) > 1;
    const isRecent = (time: number) => Math.abs(now - time) < MOVE_SETTLES_MS;
    if (wasRetried && (isRecent(run.since) || isRecent(enteredQueueAt(run)))) moving++;
  }
  return moving;
}

/** Longest inactive first; those that wait for their retry are last. */
export function byInactivity(runs: Iterable<OpenRun>): OpenRun[] {
  return [...runs].sort((one, other) => enteredQueueAt(one) - enteredQueueAt(other));
}

/** More than the clocks of the services differ, and more than the time from a submission to its publish. */
const OVERTAKEN_MS = 30_000;

/**
 * The open runs that may be in no queue, the likeliest first: those that were overtaken in the job queue, which RabbitMQ
 * delivers in order, then those in progress for long, whose message was lost with its queue, then slow ones, which wait in a
 * queue of their own and take longer.
 * @param startedFrom runs that entered the job queue up to this time have been delivered, in milliseconds since 1970
 * @param now milliseconds since 1970
 */
export function likelyLost(runs: Iterable<OpenRun>, startedFrom: number, now: number): OpenRun[] {
  const oldest = byInactivity(runs);
  const usual = oldest.filter(({ isSlow }) => isSlow !== true);
  const overtaken = usual.filter(
    (run) => run.state !== 'processing' && enteredQueueAt(run) < startedFrom - OVERTAKEN_MS,
  );
  const busy = usual.filter((run) => run.state === 'processing' && run.since < now - OVERTAKEN_MS);
  const slow = oldest.filter((run) => run.isSlow === true && enteredQueueAt(run) < now - OVERTAKEN_MS);
  return [...overtaken, ...busy, ...slow];
}

/**
 * The runs without the lost ones. Counting does not show which ones are lost; queues are consumed in order, so these are
 * assumed to be the longest inactive.
 */
export function withoutLost(runs: Iterable<OpenRun>, lost: number): OpenRun[] {
  return lost === 0 ? [...runs] : byInactivity(runs).slice(lost);
}
