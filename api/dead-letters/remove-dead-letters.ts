import type { DeadLetter } from '@image-pipeline/shared/contracts/dead-letter.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import PQueue from 'p-queue';
import { findDeadLetters, type ReadState } from './find-dead-letters.ts';
import { markDeadLetter } from './mark-dead-letter.ts';
import type { DeadLetters } from './dead-letters.ts';

/** Records marked at once. */
const MARKS_AT_ONCE = 16;

export interface RemoveDeps {
  readonly letters: Pick<DeadLetters, 'records'>;
  readonly store: Pick<ObjectStore, 'put'>;
  readonly readState: ReadState;
  /** Takes their messages out of the queue, some time soon. */
  readonly sweep: (letters: readonly DeadLetter[]) => void;
}

/**
 * Removes dead letters, all or those with these ids; their jobs stay failed. A letter that is replayed at the same
 * moment is gone from the queue all the same, and its job is done again.
 * @returns how many
 * @throws PipelineError `job_not_found`, `not_in_dlq`; StoreUnavailable: some may be removed; safe to call again
 */
export async function removeDeadLetters(
  chosen: { readonly ids: readonly string[] } | 'all',
  { letters, store, readState, sweep }: RemoveDeps,
): Promise<number> {
  const records = await letters.records();
  const dead =
    chosen === 'all'
      ? records.filter(({ state }) => state === 'dead')
      : await findDeadLetters(chosen.ids, records, readState);
  const marks = new PQueue({ concurrency: MARKS_AT_ONCE });
  try {
    await marks.addAll(dead.map((letter) => () => markDeadLetter(store, letter, 'removed')));
  } finally {
    marks.clear();
    sweep(dead);
  }
  return dead.length;
}
