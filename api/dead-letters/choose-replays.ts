import type { DeadLetter } from '@image-pipeline/shared/contracts/dead-letter.ts';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import { findDeadLetters, type ReadState } from './find-dead-letters.ts';
import { isReplayable, matches, replayOrder } from './choose-dead-letters.ts';
import type { ReplayOrder } from './replay-request.ts';

/**
 * The dead letters that are asked for, in the order of their replay. What cannot be replayed is passed over, unless it
 * was asked for by its id: then nothing is.
 * @param records of all dead letters, also of those that were replayed or removed
 * @throws PipelineError `job_not_found`, `not_in_dlq`, `not_replayable`, naming the id
 */
export async function chooseReplays(
  selection: ReplayOrder['selection'],
  records: readonly DeadLetter[],
  readState: ReadState,
): Promise<DeadLetter[]> {
  if ('filter' in selection) {
    const now = new Date();
    const dead = records.filter(({ state }) => state === 'dead');
    return replayOrder(
      dead.filter((letter) => isReplayable(letter) && matches(letter, selection.filter, now)),
    );
  }
  const letters = replayOrder(await findDeadLetters(selection.ids, records, readState));
  const unfit = letters.find((letter) => !isReplayable(letter));
  if (unfit === undefined) return letters;
  const { job_id, error } = unfit;
  throw new PipelineError(
    'not_replayable',
    `${job_id} is no job that could be done again (${error.reason}). It can be removed: DELETE /dlq/messages?id=${job_id}`,
    { details: { job_id } },
  );
}
