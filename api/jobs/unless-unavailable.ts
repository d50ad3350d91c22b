import { StoreUnavailable } from '@image-pipeline/shared/errors.ts';
import { DeadlineExceeded, withinDeadline } from '@image-pipeline/shared/within-deadline.ts';

/** Does a read of the store; undefined where the store is away or does not answer at once. Throws what else `read` throws. */
export type UnlessAway = <Result>(read: () => Promise<Result>) => Promise<Result | undefined>;

export interface UnlessAwayOptions {
  /** How long an answer is waited for, in milliseconds; the read itself ends with the store's own time-outs. */
  readonly patienceMs: number;
  /** Reads that may be under way, waited for or not: a silent store must not be asked more and more. */
  readonly atOnce: number;
}

/** For those who have something to tell without the store. While too many reads are under way the store counts as away. */
export function createUnlessAway({ patienceMs, atOnce }: UnlessAwayOptions): UnlessAway {
  let underWay = 0;
  return async (read) => {
    if (underWay >= atOnce) return undefined;
    underWay++;
    const reading = Promise.resolve()
      .then(read)
      .finally(() => {
        underWay--;
      });
    try {
      return await withinDeadline(patienceMs, () => reading);
    } catch (error) {
      if (error instanceof StoreUnavailable || error instanceof DeadlineExceeded) return undefined;
      throw error;
    }
  };
}
