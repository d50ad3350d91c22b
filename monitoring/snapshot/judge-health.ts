import type { Health } from '@image-pipeline/shared/contracts/health.ts';
import type { Source } from '@image-pipeline/shared/contracts/snapshot.ts';

/** A refresh may come late, and one may fail, before anybody is told. */
const MISSED_REFRESHES = 3;
/** At short intervals, time-outs are longer than these. */
const PATIENCE_SECONDS = 15;

/** Whether the figures are as new as they should be; the age is that of the older source. */
export function judgeHealth(
  sources: Readonly<Record<'management' | 'events', Source>>,
  intervalSeconds: number,
): Health {
  const limit = Math.max(MISSED_REFRESHES * intervalSeconds, PATIENCE_SECONDS);
  let oldest = 0;
  for (const [name, { age_seconds, reason }] of Object.entries(sources)) {
    if (age_seconds === null) {
      return {
        status: 'error',
        age_seconds: null,
        message: messageFor(name, 'nothing is known yet', reason),
      };
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
