import type { DeadLetter } from '@image-pipeline/shared/contracts/dead-letter.ts';
import type { JobState } from '@image-pipeline/shared/contracts/job.ts';
import { PipelineError } from '@image-pipeline/shared/errors.ts';

/** @throws PipelineError `job_not_found` */
export type ReadState = (jobId: string) => Promise<JobState>;

/**
 * The dead letters with these ids, in their order; every run of a job that lies dead. One id without a dead letter
 * refuses them all.
 * @param records of all dead letters, also of those that were replayed or removed
 * @throws PipelineError `job_not_found`, `not_in_dlq`, naming the id
 */
export async function findDeadLetters(
  ids: readonly string[],
  records: readonly DeadLetter[],
  readState: ReadState,
): Promise<DeadLetter[]> {
  const byJob = Map.groupBy(records, ({ job_id }) => job_id);
  const found: DeadLetter[] = [];
  for (const id of new Set(ids.map((given) => given.toLowerCase()))) {
    const ofJob = byJob.get(id) ?? [];
    const dead = ofJob.filter(({ state }) => state === 'dead');
    if (dead.length === 0) throw await whyNone(id, ofJob.at(-1), readState);
    found.push(...dead);
  }
  return found;
}

async function whyNone(
  id: string,
  newest: DeadLetter | undefined,
  readState: ReadState,
): Promise<PipelineError> {
  const status = await stateOrMissing(id, readState);
  if (status === undefined && newest === undefined) {
    return new PipelineError('job_not_found', `There is no job and no dead letter with the id ${id}.`, {
      details: { job_id: id },
    });
  }
  const detail =
    status === 'failed' && newest === undefined
      ? `The job ${id} has failed, and its dead letter is about to be recorded; ask again in a moment.`
      : `${id} does not lie in the dead letter queue: ${[
          ...(status === undefined ? [] : [`the job is ${status}`]),
          ...(newest === undefined ? [] : [`the dead letter of run ${newest.run} was ${newest.state}`]),
        ].join(', and ')}.`;
  return new PipelineError('not_in_dlq', detail, {
    details: { job_id: id, job_status: status },
  });
}

async function stateOrMissing(id: string, readState: ReadState): Promise<JobState | undefined> {
  try {
    return await readState(id);
  } catch (error) {
    if (error instanceof PipelineError && error.code === 'job_not_found') return undefined;
    throw error;
  }
}
