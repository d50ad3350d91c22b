import type { Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';

/** A job's time in the system, in milliseconds since 1970. */
export interface Stay {
  readonly from: number;
  /** Infinity for one that has not ended. */
  readonly to: number;
}

/** Mean number of jobs in the system between two moments: the integral of the open ones over time, by its length. */
export function meanInSystem(stays: readonly Stay[], from: number, to: number): number {
  const inside = stays.map((stay) => Math.max(0, Math.min(stay.to, to) - Math.max(stay.from, from)));
  return inside.reduce((sum, ms) => sum + ms, 0) / (to - from);
}

/** Of the jobs that completed between two snapshots less than five minutes apart: how many a second, and their mean time. */
export interface Flow {
  readonly perSecond: number;
  /** From acceptance to result, in seconds. */
  readonly meanSeconds: number;
}

/** @throws Error where a snapshot does not know its totals, or nothing completed in between */
export function flowBetween(first: Snapshot, last: Snapshot): Flow {
  const seconds = (Date.parse(last.updated_at) - Date.parse(first.updated_at)) / 1_000;
  const completed = (last.totals?.completed ?? Number.NaN) - (first.totals?.completed ?? Number.NaN);
  const timeOf = ({ latency }: Snapshot) => latency.samples * (latency.stages.total?.mean ?? 0);
  const samples = last.latency.samples - first.latency.samples;
  if (!(completed > 0) || samples !== completed) {
    throw new Error(`${completed} jobs completed, and ${samples} of them have a latency`);
  }
  return { perSecond: completed / seconds, meanSeconds: (timeOf(last) - timeOf(first)) / samples };
}
