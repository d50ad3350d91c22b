import { setTimeout as delay } from 'node:timers/promises';
import { isAlive, type ProcessIdentity } from './identity.ts';

const POLL_MS = 50;

/** Resolves to true once the process is gone, to false if it still lives after `timeoutMs`. */
export async function waitUntilGone(identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (await isAlive(identity)) {
    if (performance.now() >= deadline) return false;
    await delay(POLL_MS);
  }
  return true;
}

/**
 * Ends exactly this process: SIGTERM, and SIGKILL if it still lives after `deadlineMs`.
 * Returns how it ended; a process that is gone already, or whose pid belongs to another one by now, is left alone.
 */
export async function terminate(
  identity: ProcessIdentity,
  deadlineMs: number,
): Promise<'gone already' | 'stopped' | 'killed'> {
  if (!(await isAlive(identity))) return 'gone already';
  signal(identity.pid, 'SIGTERM');
  if (await waitUntilGone(identity, deadlineMs)) return 'stopped';
  await kill(identity);
  return 'killed';
}

/** Ends exactly this process at once. */
export async function kill(identity: ProcessIdentity): Promise<void> {
  if (!(await isAlive(identity))) return;
  signal(identity.pid, 'SIGKILL');
  await waitUntilGone(identity, 5_000);
}

function signal(pid: number, name: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    // It ended between the look and the signal.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
