import type { CompletedOutcome } from '../contracts/outcome.ts';
import { resultsPrefix, thumbnailsPrefix } from '../store/keys.ts';
import type { ObjectStore } from '../store/object-store.ts';

/**
 * Removes the images of attempts that were killed before they could take them away themselves. A job completes in one
 * run only, so all images but those of its completed outcome are nobody's. Of a failed run nothing may be removed: the
 * next run may be storing its images. @throws StoreUnavailable; safe to call again
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
