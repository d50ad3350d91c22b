import { StoreUnavailable } from '@image-pipeline/shared/errors.ts';
import { DeadlineExceeded, withinDeadline } from '@image-pipeline/shared/within-deadline.ts';

/** Does a read of the store; undefined where the store is away or does not answer at once. Throws what else `read` throws. */
export type UnlessUnavailable = <Result>(read: () => Promise<Result>) => Promise<Result | undefined>;

export interface UnlessUnavailableOptions {
  /** How long an answer is waited for, in milliseconds; the read itself ends with the store's own time-outs. */
  readonly timeoutMs: number;
  /** Reads that may be under way, waited for or not: a silent store must not be asked more and more. */
  readonly maxConcurrent: number;
}

/** For those who have something to tell without the store. While too many reads are under way the store counts as away. */
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
