import { StoreUnavailable } from '@image-pipeline/shared/errors.ts';
import { DeadlineExceeded, withinDeadline } from '@image-pipeline/shared/waiting.ts';

/** Reads from the store; undefined if the store is unavailable or too slow. Throws what else `read` throws. */
export type UnlessUnavailable = <Result>(read: () => Promise<Result>) => Promise<Result | undefined>;

export interface UnlessUnavailableOptions {
  /** Timeout in milliseconds; the read itself ends with the store's own timeouts. */
  readonly timeoutMs: number;
  /** Maximum number of reads in flight, so that reads do not pile up at a silent store. */
  readonly maxConcurrent: number;
}

/** For optional reads. While too many reads are in flight the store counts as unavailable. */
export function createUnlessUnavailable({
  timeoutMs,
  maxConcurrent,
}: UnlessUnavailableOptions): UnlessUnavailable {
  let inFlight = 0;
  return async (read) => {
    if (inFlight >= maxConcurrent) return undefined;
    inFlight++;
    const reading = Promise.resolve()
      .then(read)
      .finally(() => {
        inFlight--;
      });
    try {
      return await withinDeadline(timeoutMs, () => reading);
    } catch (error) {
      if (error instanceof StoreUnavailable || error instanceof DeadlineExceeded) return undefined;
      throw error;
    }
  };
}
