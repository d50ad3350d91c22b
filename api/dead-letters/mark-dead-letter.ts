import type { DeadLetter } from '@image-pipeline/shared/contracts/dead-letter.ts';
import { deadKey } from '@image-pipeline/shared/store/keys.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { jsonBody } from '@image-pipeline/shared/store/read-object.ts';

/**
 * Takes a dead letter out of all listings; its message follows at the next sweep. Of two marks at once the later one
 * stays, which changes nothing but a word: neither of them is `dead`. @throws StoreUnavailable; safe to call again
 */
export async function markDeadLetter(
  store: Pick<ObjectStore, 'put'>,
  letter: DeadLetter,
  state: 'replayed' | 'removed',
): Promise<void> {
  if (letter.state === state) return;
  await store.put(deadKey(letter.job_id, letter.run), jsonBody({ ...letter, state } satisfies DeadLetter));
}
