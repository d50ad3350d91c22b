import type { LatencyStage } from '@image-pipeline/shared/contracts/snapshot.ts';
import type { JobRequest } from '@image-pipeline/shared/contracts/job.ts';
import type { Outcome } from '@image-pipeline/shared/contracts/outcome.ts';

/** How a run ended, as far as figures need it. */
export interface EndedRun {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** The error code of one that failed. */
  readonly failedOf: string | undefined;
  /** Where the time of one that completed went, in seconds. */
  readonly seconds: Readonly<Partial<Record<LatencyStage, number>>>;
}

/**
 * Times in milliseconds since 1970.
 * @param at when it counts as ended
 * @param heardAt when its event came by; undefined where it was read later from the log. Until then, those who follow
 * the log did not know of the end: that is the stage `notify`.
 */
export function endedRun(
  request: JobRequest,
  outcome: Outcome,
  { at, heardAt }: { at: number; heardAt: number | undefined },
): EndedRun {
  if (outcome.state === 'failed') return { at, failedOf: outcome.error.code, seconds: {} };
  const { wait_ms, fetch_ms, process_ms, store_ms } = outcome.timings;
  // By the clocks of two machines, of which one may be wrong: it was done before this one heard of it, at the latest.
  const finishedAt = Math.min(Date.parse(outcome.finished_at), heardAt ?? Infinity);
  const totalMs = Math.max(0, finishedAt - Date.parse(request.submitted_at));
  const seconds = {
    total: totalMs / 1_000,
    wait: Math.min(wait_ms, totalMs) / 1_000,
    fetch: fetch_ms / 1_000,
    process: process_ms / 1_000,
    store: store_ms / 1_000,
  };
  if (heardAt === undefined) return { at, failedOf: undefined, seconds };
  const notify = Math.max(0, heardAt - finishedAt) / 1_000;
  return { at, failedOf: undefined, seconds: { ...seconds, notify } };
}
