import type { Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';

/** While jobs wait, one line per minute is at level info. */
const INFO_EVERY_MS = 60_000;

/**
 * Logs each refresh of the snapshot at level debug, or once a minute at level info while jobs wait:
 * `journalctl -f | grep "Queue size"`.
 */
export function createRefreshLog(log: Pick<Logger, 'debug' | 'info'>) {
  let informedAt = -Infinity;
  /** @param now by the monotonic clock, in milliseconds */
  return ({ jobs, utilisation, sources }: Snapshot, now = performance.now()): void => {
    const isInfo = jobs.queued > 0 && now - informedAt >= INFO_EVERY_MS;
    if (isInfo) informedAt = now;
    log[isInfo ? 'info' : 'debug'](
      { slots: utilisation.slots, management: sources.management.state, events: sources.events.state },
      `Queue size: ${jobs.queued}, in progress: ${jobs.processing}`,
    );
  };
}
