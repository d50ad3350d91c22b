import type { RetryDelay } from '@image-pipeline/shared/broker/topology.ts';
import { postponedBecause } from '@image-pipeline/shared/contracts/job-order.ts';
import type { TimelineEntry } from '@image-pipeline/shared/contracts/job.ts';
import { MADE_WAY } from '../decide-fate.ts';

/** How long a job waits for another worker than the one where it exceeded a limit. */
const PREFER_ANOTHER_MS = 30_000;

/** Why a job is not started, and the delay after which it is delivered again. */
export interface Postponement {
  readonly retryDelay: RetryDelay;
  readonly reason: string;
}

export interface Turn {
  /** The timeline entries of the job's earlier attempts. */
  readonly history: readonly TimelineEntry[];
  readonly worker: string;
  /** The number of workers that consume jobs. */
  readonly workers: number;
  readonly isLaneFree: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * Whether a worker starts a slow job. Not while another one runs there; and if it exceeded a limit, for 30 s not on the
 * worker where that happened, if there are others.
 *
 * @param retryDelays the retry delays, in order
 * @returns undefined to start it, else a postponement: the longer the job has waited, the longer is the delay, so that many
 *   waiting jobs do not circulate fast
 */
export function decideTurn(
  { history, worker, workers, isLaneFree, now }: Turn,
  retryDelays: readonly RetryDelay[],
): Postponement | undefined {
  const failed = lastRetry(history);
  const waitedMs = failed === undefined ? 0 : Math.max(0, now - Date.parse(failed.at));
  const hasMadeWay = failed?.error?.code === MADE_WAY;
  const avoidsWorker =
    workers > 1 && !hasMadeWay && failed?.worker === worker && waitedMs < PREFER_ANOTHER_MS;
  if (isLaneFree && !avoidsWorker) return undefined;
  const retryDelay = retryDelays.findLast(({ delayMs }) => delayMs <= waitedMs) ?? retryDelays[0];
  const reason = isLaneFree ? postponedBecause.exceededLimitHere : postponedBecause.laneTaken;
  return retryDelay && { retryDelay, reason };
}

/** The entry of the last attempt, which failed or made way. */
export function lastRetry(history: readonly TimelineEntry[]): TimelineEntry | undefined {
  return history.findLast(({ state }) => state === 'retrying');
}
