import type { CompletedOutcome } from '../contracts/outcome.ts';
import { resultsPrefix, thumbnailsPrefix } from '../store/keys.ts';
import type { ObjectStore } from '../store/object-store.ts';

/**
 * Removes the images of attempts that were killed before they could remove them. Only one run of a job completes, so all
 * images except those of its outcome are unused. Images of a failed run must not be removed: the next run may be storing
 * its own. @throws StoreUnavailable; safe to call again
 */
export async function removeLeftovers(
  store: Pick<ObjectStore, 'list' | 'remove'>,
  { job_id, result, thumbnail }: CompletedOutcome,
): Promise<void> {
  const kept = [result.key, thumbnail.key];
  for (const prefix of [resultsPrefix(job_id), thumbnailsPrefix(job_id)]) {
    for await (const { key } of store.list(prefix)) if (!kept.includes(key)) await store.remove(key);
  }
}
