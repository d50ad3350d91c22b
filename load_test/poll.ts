import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 100;

/**
 * Calls `read` every 100 ms until it returns a value.
 * @param deadlineMs after which it stops
 * @returns undefined if there was no value in time
 * @throws the reason of `stop` when that aborts
 */
export async function poll<Value>(
  read: () => Promise<Value | undefined>,
  { deadlineMs, stop }: { readonly deadlineMs: number; readonly stop?: AbortSignal },
): Promise<Value | undefined> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    stop?.throwIfAborted();
    const value = await read();
    if (value !== undefined || performance.now() > deadline) return value;
    await delay(POLL_MS, undefined, stop && { signal: stop });
  }
}
