import type { CompletedOutcome, Outcome } from '../contracts/outcome.ts';
import { outcomeKey, resultsPrefix, thumbnailsPrefix } from '../store/keys.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { jsonBody } from '../store/read-object.ts';
import { readOutcome } from './read-run.ts';

/**
 * Stores the outcome of a run. The first outcome wins; a later attempt removes its
 * images. Returns the winning outcome. @throws StoreUnavailable; safe to call again
 */
export async function recordOutcome(store: ObjectStore, outcome: Outcome): Promise<Outcome> {
  if (await store.putIfAbsent(outcomeKey(outcome.job_id, outcome.run), jsonBody(outcome))) return outcome;
  const winner = await readOutcome(store, outcome.job_id, outcome.run);
  if (winner === undefined) throw new Error(`The outcome of job ${outcome.job_id} was deleted.`);
  if (winner.attempt_id !== outcome.attempt_id && outcome.state === 'completed') {
    await store.remove(outcome.result.key);
    await store.remove(outcome.thumbnail.key);
  }
  return winner;
}

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
