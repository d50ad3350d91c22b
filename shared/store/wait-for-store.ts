import { StoreUnavailable } from '../errors.ts';
import type { Logger } from '../log.ts';
import { retryWithBackoff } from '../waiting.ts';
import type { ObjectStore } from './object-store.ts';

const BACKOFF = { firstMs: 200, maxMs: 5_000 } as const;

/**
 * Runs `work`, and retries as long as the store is unavailable: no job fails because of that. Tries at least once.
 * @throws Error `aborted` if `signal` aborts while the store is unavailable
 */
export async function waitForStore<Result>(
  work: () => Promise<Result>,
  signal: AbortSignal,
  log: Logger,
): Promise<Result> {
  try {
    return await retryWithBackoff(work, BACKOFF, signal, (error) => {
      if (!(error instanceof StoreUnavailable)) throw error;
      log.warn({ reason: error.message }, 'the store is unavailable; retrying');
    });
  } catch (error) {
    throw error instanceof StoreUnavailable ? new Error('aborted', { cause: error }) : error;
  }
}

/** Starts a store as soon as it is available, and logs it. */
export async function startStore(
  store: ObjectStore,
  options: {
    /** For people, e.g. `minio:9000, bucket images`. */
    readonly where: string;
    readonly signal: AbortSignal;
    readonly log: Logger;
  },
): Promise<void> {
  const log = options.log.child({ store: options.where });
  await waitForStore(() => store.start(), options.signal, log);
  log.info('the store is ready');
}
