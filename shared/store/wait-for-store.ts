import { setTimeout as sleep } from 'node:timers/promises';
import { StoreUnavailable } from '../errors.ts';
import type { Logger } from '../log.ts';

const FIRST_DELAY_MS = 200;
const MAX_DELAY_MS = 5_000;

/**
 * Runs `work`, and retries as long as the store is unavailable: no job fails because of that. Tries at least once, and
 * rejects when `signal` aborts between two attempts.
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
      log.warn({ reason: error.message }, 'the store is unavailable; retrying');
      await sleep(delay * (0.8 + Math.random() * 0.4), undefined, { signal });
    }
  }
}
