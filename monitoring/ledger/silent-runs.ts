import { attemptOf, type OpenRun } from '../events/run-tracker.ts';
import { MOVE_SETTLES_MS } from './lost-runs.ts';

/** Since when nothing has been due to happen to it; in the future where it waits on its rung. */
const silentSince = ({ since, retry_at }: OpenRun): number => retry_at ?? since;

/** How many may be on their way to a rung, or back from it. @param now milliseconds since 1970 */
export function countMoving(runs: Iterable<OpenRun>, now: number): number {
  let moving = 0;
  for (const run of runs) {
    const wasRetried = run.state === 'retrying' || attemptOf(run) > 1;
    const isRecent = (time: number) => Math.abs(now - time) < MOVE_SETTLES_MS;
    if (wasRetried && (isRecent(run.since) || isRecent(silentSince(run)))) moving++;
  }
  return moving;
}

/** Those that have been silent for longest first. */
export function bySilence(runs: Iterable<OpenRun>): OpenRun[] {
  return [...runs].sort((one, other) => silentSince(one) - silentSince(other));
}

/**
 * The runs without those that are lost. Counting does not tell which ones these are; queues are worked off in order, so
 * they are taken to be those of which nothing has been heard for longest.
 */
export function withoutLost(runs: Iterable<OpenRun>, lost: number): OpenRun[] {
  return lost === 0 ? [...runs] : bySilence(runs).slice(lost);
}
