import type { DeadLetter } from '@image-pipeline/shared/contracts/dead-letter.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import type { RequestHandler } from 'express';
import PQueue from 'p-queue';
import { z } from 'zod';
import { invalidParameter, readQuery } from '../http/request.ts';
import { findDeadLetters, type ReadState } from './choose-dead-letters.ts';
import { type DeadLetters, markDeadLetter } from './dead-letters.ts';

export const removalQuerySchema = z.object({
  id: z
    .preprocess((given) => (typeof given === 'string' ? [given] : given), z.array(z.string().max(100)).min(1))
    .optional()
    .meta({ description: 'The job whose dead letter is removed; may be repeated.' }),
  all: z.literal('true', 'must be true').optional().meta({ description: 'Remove all of them.' }),
});

export const removalSchema = z
  .object({
    removed: z.int().min(0).meta({ description: 'Number of removed dead letters; their jobs stay failed.' }),
  })
  .meta({ id: 'Removal' });

const selectors = ['id', 'all'] as const;

/** `DELETE /dlq/messages?id=…&id=…` or `?all=true`. */
export function removalRoute(deps: RemoveDeps): RequestHandler {
  return async (request, response) => {
    const { id: ids, all } = readQuery(request, removalQuerySchema);
    if ((ids === undefined) === (all === undefined)) {
      const seen = ids === undefined ? 'got none' : 'got both';
      throw invalidParameter(selectors.join(', '), `send either ?id=… (once or more) or ?all=true; ${seen}`, {
        allowed: selectors,
      });
    }
    const removed = await removeDeadLetters(ids === undefined ? 'all' : { ids }, deps);
    response.setHeader('Cache-Control', 'no-store');
    response.json({ removed } satisfies z.output<typeof removalSchema>);
  };
}

/** Records written at the same time. */
const MAX_CONCURRENT_WRITES = 16;

interface RemoveDeps {
  readonly deadLetters: Pick<DeadLetters, 'records'>;
  readonly store: Pick<ObjectStore, 'put'>;
  readonly readState: ReadState;
  /** Removes their messages from the queue soon. */
  readonly sweep: (deadLetters: readonly DeadLetter[]) => void;
}

/**
 * Removes dead letters, all or those with these ids; their jobs stay failed. A dead letter that is replayed at the same
 * moment is removed from the queue as well, and its job is replayed.
 * @returns how many
 * @throws PipelineError `job_not_found`, `not_in_dlq`; StoreUnavailable: some may be removed; safe to call again
 */
async function removeDeadLetters(
  chosen: { readonly ids: readonly string[] } | 'all',
  { deadLetters, store, readState, sweep }: RemoveDeps,
): Promise<number> {
  const records = await deadLetters.records();
  const dead =
    chosen === 'all'
      ? records.filter(({ state }) => state === 'dead')
      : await findDeadLetters(chosen.ids, records, readState);
  const marks = new PQueue({ concurrency: MAX_CONCURRENT_WRITES });
  try {
    await marks.addAll(dead.map((deadLetter) => () => markDeadLetter(store, deadLetter, 'removed')));
  } finally {
    marks.clear();
    sweep(dead);
  }
  return dead.length;
}
