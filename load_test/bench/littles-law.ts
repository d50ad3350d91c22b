import type { Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';

/** Mean number of jobs in the system, of looks at equal distances: waiting, in work, or to be retried. */
export function meanInSystem(looks: readonly Pick<Snapshot, 'jobs'>[]): number {
  const sum = looks.reduce((before, { jobs }) => before + jobs.queued + jobs.processing + jobs.retrying, 0);
  return sum / looks.length;
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
