const FIRST_MS = 500;
const LONGEST_MS = 30_000;
/** A process that lived this long counts as healthy: its next end is a first one again. */
const HEALTHY_MS = 60_000;

/** How often in a row a process has ended, counting the one that has just ended after `uptimeMs`. */
export function endsInARow(before: number, uptimeMs: number): number {
  return uptimeMs >= HEALTHY_MS ? 1 : before + 1;
}

/** How long (ms) to wait before a process that ended so often in a row is started again. */
export function restartDelay(ends: number): number {
  return Math.min(FIRST_MS * 2 ** (ends - 1), LONGEST_MS);
}
