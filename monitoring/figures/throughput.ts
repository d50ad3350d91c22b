import type { Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';
import type { EndedRun } from '../events/ended-run.ts';

const MINUTE_MS = 60_000;

/** Jobs a second over the last minute and the last five; a window that began before anything happened counts whole. */
export function throughputOf(ends: readonly EndedRun[], now: number): Snapshot['throughput'] {
  const rate = (minutes: number, failed: boolean) => {
    const from = now - minutes * MINUTE_MS;
    const counted = ends.filter(({ at, failedOf }) => at > from && (failedOf !== undefined) === failed);
    return counted.length / (minutes * 60);
  };
  return {
    completed_1m: rate(1, false),
    completed_5m: rate(5, false),
    failed_1m: rate(1, true),
    failed_5m: rate(5, true),
  };
}

/** How many failed, by error code. */
export function failuresByCode(ends: readonly EndedRun[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { failedOf } of ends) {
    if (failedOf !== undefined) counts.set(failedOf, (counts.get(failedOf) ?? 0) + 1);
  }
  return Object.fromEntries(counts);
}
