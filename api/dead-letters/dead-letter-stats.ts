import type { DeadLetter } from '@image-pipeline/shared/contracts/dead-letter.ts';

export interface DeadLetterStats {
  readonly count: number;
  /** By error code. */
  readonly by_reason: Readonly<Record<string, number>>;
  /** By kind of operation; a job counts once for each kind it asked for. */
  readonly by_operation: Readonly<Record<string, number>>;
  /** Since the oldest was buried; null where there is none. */
  readonly oldest_age_seconds: number | null;
}

export function deadLetterStats(letters: readonly DeadLetter[], now: Date): DeadLetterStats {
  const times = letters.map(({ buried_at }) => Date.parse(buried_at));
  const oldest = times.reduce((earliest, time) => Math.min(earliest, time), Infinity);
  return {
    count: letters.length,
    by_reason: countBy(letters.map(({ error }) => error.code)),
    by_operation: countBy(letters.flatMap(({ operations }) => [...new Set(operations)])),
    oldest_age_seconds: letters.length === 0 ? null : Math.max(0, (now.getTime() - oldest) / 1_000),
  };
}

/** Most frequent first. */
function countBy(values: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return Object.fromEntries([...counts].toSorted(([, one], [, other]) => other - one));
}
