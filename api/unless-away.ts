import { StoreUnavailable } from '@image-pipeline/shared/errors.ts';
import { DeadlineExceeded, withinDeadline } from '@image-pipeline/shared/within-deadline.ts';

/** How long those wait for the store who have something to tell without it, in milliseconds. */
const PATIENCE_MS = 400;

/** What the store tells; undefined where it is away, or does not answer at once. @throws what else `read` throws */
export async function unlessAway<Result>(read: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await withinDeadline(PATIENCE_MS, read);
  } catch (error) {
    if (error instanceof StoreUnavailable || error instanceof DeadlineExceeded) return undefined;
    throw error;
  }
}
