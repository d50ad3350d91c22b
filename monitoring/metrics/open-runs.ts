import { queueNames, retryQueueName, type Rung } from '@image-pipeline/shared/broker/topology.ts';
import type { Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';
import { attemptOf, type OpenRun } from '../events/run-tracker.ts';

/** Open runs by what they wait for. One whose retry is due is in the queue of jobs again. @param now ms since 1970 */
export function countOpenRuns(runs: Iterable<OpenRun>, now: number): Snapshot['jobs'] {
  const counts = { queued: 0, processing: 0, retrying: 0 };
  for (const run of runs) counts[isDue(run, now) ? 'queued' : run.state]++;
  return counts;
}

/** The run, which waits again where the worker that had it has gone: RabbitMQ gives it to the next, and no event tells. */
export function givenBack(run: OpenRun, hasWorker: (name: string) => boolean): OpenRun {
  const isLeft = run.state === 'processing' && run.worker !== undefined && !hasWorker(run.worker);
  return isLeft ? { ...run, state: 'queued', worker: undefined } : run;
}

/**
 * How long the oldest job of each queue in which jobs wait has been there, in seconds, by the queue's name; no entry where
 * none waits. Quorum queues do not tell it themselves.
 * @param ladder the rungs on which failed attempts wait, the first attempt's first
 * @param now milliseconds since 1970
 */
export function headAges(
  runs: Iterable<OpenRun>,
  ladder: readonly Rung[],
  now: number,
): ReadonlyMap<string, number> {
  const ages = new Map<string, number>();
  const waits = (queue: string, since: number) =>
    ages.set(queue, Math.max(ages.get(queue) ?? 0, (now - since) / 1_000));
  for (const run of runs) {
    if (run.state === 'queued') waits(queueNames.process, run.since);
    else if (isDue(run, now)) waits(queueNames.process, run.retry_at ?? now);
    else if (run.state === 'retrying') {
      const rung = ladder[attemptOf(run) - 1];
      if (rung !== undefined) waits(retryQueueName(rung), run.since);
    }
  }
  return ages;
}

function isDue({ state, retry_at }: OpenRun, now: number): boolean {
  return state === 'retrying' && retry_at !== undefined && retry_at <= now;
}
