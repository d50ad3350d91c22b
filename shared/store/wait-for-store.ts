import { setTimeout as sleep } from 'node:timers/promises';
import { StoreUnavailable } from '../errors.ts';
import type { Logger } from '../log.ts';

const FIRST_DELAY_MS = 200;
const MAX_DELAY_MS = 5_000;

/**
 * Does `work`, and again for as long as the store is away: that is nobody's failure. Tries at least once, and rejects
 * when `signal` aborts in between.
 */
export async function waitForStore<Result>(
  work: () => Promise<Result>,
  signal: AbortSignal,
  log: Logger,
): Promise<Result> {
  for (let delay = FIRST_DELAY_MS; ; delay = Math.min(delay * 2, MAX_DELAY_MS)) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      log.warn({ reason: error.message }, 'the store is away; waiting for it');
      await sleep(delay * (0.8 + Math.random() * 0.4), undefined, { signal });
    }
  }
}
