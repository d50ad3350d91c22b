import type { RetryDelay } from '@image-pipeline/shared/broker/topology.ts';
import type { TimelineEntry } from '@image-pipeline/shared/contracts/job.ts';
import { MADE_WAY } from '../decide-fate.ts';

/** How long a job waits for another worker than the one where it exceeded a limit. */
const PREFER_ANOTHER_MS = 30_000;

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
 * @returns undefined to start it, or the delay after which it is delivered again: the longer the job has waited, the
 *   longer, so that many waiting jobs do not circulate fast
 */
export function decideTurn(
  { history, worker, workers, isLaneFree, now }: Turn,
  retryDelays: readonly RetryDelay[],
): RetryDelay | undefined {
  const failed = history.at(-1);
  const waitedMs = failed === undefined ? 0 : Math.max(0, now - Date.parse(failed.at));
  const hasMadeWay = failed?.error?.code === MADE_WAY;
  const avoidsWorker =
    workers > 1 && !hasMadeWay && failed?.worker === worker && waitedMs < PREFER_ANOTHER_MS;
  if (isLaneFree && !avoidsWorker) return undefined;
  return retryDelays.findLast(({ delayMs }) => delayMs <= waitedMs) ?? retryDelays[0];
}
