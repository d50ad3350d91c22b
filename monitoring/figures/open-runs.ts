import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import type { Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';
import type { OpenRun } from '../events/run-tracker.ts';

/** Open runs by what they wait for. One whose retry is due is in the queue of jobs again. @param now ms since 1970 */
export function countOpenRuns(runs: Iterable<OpenRun>, now: number): Snapshot['jobs'] {
  const counts = { queued: 0, processing: 0, retrying: 0 };
  for (const run of runs) counts[isDue(run, now) ? 'queued' : run.state]++;
  return counts;
}

/**
 * How long the oldest job of the queue of jobs has waited there, in seconds, by queue. Quorum queues do not tell it
 * themselves; of other queues events know nothing.
 */
export function headAges(runs: Iterable<OpenRun>, now: number): ReadonlyMap<string, number> {
  let oldest = Infinity;
  for (const run of runs) {
    if (run.state === 'queued') oldest = Math.min(oldest, run.since);
    else if (isDue(run, now)) oldest = Math.min(oldest, run.retryAt ?? now);
  }
  return oldest === Infinity ? new Map() : new Map([[queueNames.process, Math.max(0, now - oldest) / 1_000]]);
}

function isDue({ state, retryAt }: OpenRun, now: number): boolean {
  return state === 'retrying' && retryAt !== undefined && retryAt <= now;
}
