import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 100;

/**
 * Looks again and again until there is something to see.
 * @param deadlineMs after which it gives up
 * @returns undefined where nothing came in time
 * @throws the reason of `stop` when that aborts
 */
export async function until<Seen>(
  look: () => Promise<Seen | undefined>,
  { deadlineMs, stop }: { readonly deadlineMs: number; readonly stop: AbortSignal },
): Promise<Seen | undefined> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    stop.throwIfAborted();
    const seen = await look();
    if (seen !== undefined || performance.now() > deadline) return seen;
    await delay(POLL_MS, undefined, { signal: stop });
  }
}
