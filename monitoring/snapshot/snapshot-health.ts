import type { Health } from '@image-pipeline/shared/contracts/snapshot.ts';
import type { Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';

/** Refreshes that may be late or fail before the snapshot counts as stale. */
const MISSED_REFRESHES = 3;
/** The minimum limit: at short intervals, timeouts take longer than three refreshes. */
const MIN_LIMIT_SECONDS = 15;

/** Whether the metrics are up to date; the age is that of the older source. */
export function snapshotHealth(sources: Snapshot['sources'], intervalSeconds: number): Health {
  const limit = Math.max(MISSED_REFRESHES * intervalSeconds, MIN_LIMIT_SECONDS);
  let oldest = 0;
  for (const [name, { age_seconds, reason }] of Object.entries(sources)) {
    if (age_seconds === null) {
      return { status: 'error', age_seconds: null, message: messageFor(name, 'no data yet', reason) };
    }
    oldest = Math.max(oldest, age_seconds);
  }
  if (oldest <= limit) return { status: 'ok', age_seconds: oldest };
  const [name = '', source] =
    Object.entries(sources).find(([, { age_seconds }]) => age_seconds === oldest) ?? [];
  const message = messageFor(name, `older than ${limit} s`, source?.reason ?? null);
  return { status: 'stale', age_seconds: oldest, message };
}

function messageFor(source: string, what: string, reason: string | null): string {
  return `${source}: ${what}${reason === null ? '' : `; ${reason}`}`;
}
