import type { Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';

export interface Line {
  /** Jobs that wait, and jobs that are in hand. */
  readonly queued: number;
  readonly processing: number;
  /** Of all live workers together. */
  readonly slots: number;
  /** How long a job keeps a slot on average; undefined where none has completed yet. */
  readonly secondsPerJob: number | undefined;
}

/**
 * Seconds until a job that came now would be taken by a worker. While all slots are busy, c of them that keep a job
 * for S seconds on average take c/S jobs a second, and the new job is the last in the line: (queued + 1) · S/c, the
 * expected wait of M/M/c for an arrival that finds so many before it (Kleinrock, Queueing Systems I, section 3.5).
 * @returns undefined while there are no slots, or it is not known how long jobs take
 */
export function estimateWait({ queued, processing, slots, secondsPerJob }: Line): number | undefined {
  if (slots === 0) return undefined;
  const free = Math.max(0, slots - processing);
  const endsNeeded = Math.max(0, queued + 1 - free);
  if (endsNeeded === 0) return 0;
  return secondsPerJob === undefined ? undefined : (endsNeeded * secondsPerJob) / slots;
}

/** How long a job keeps a slot on average: all of its stages but those of waiting and telling. */
export function secondsPerJob({ latency: { stages } }: Snapshot): number | undefined {
  const means = [stages.fetch?.mean, stages.process?.mean, stages.store?.mean];
  return means.reduce<number | undefined>(
    (sum, mean) => (sum === undefined || mean === undefined ? undefined : sum + mean),
    0,
  );
}
