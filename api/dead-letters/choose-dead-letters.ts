import type { DeadLetter } from '@image-pipeline/shared/contracts/dead-letter.ts';
import { jobIdSchema, type JobState } from '@image-pipeline/shared/contracts/job.ts';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import type { ReplayOrder } from './replay-request.ts';

/**
 * The selected dead letters, in the order of their replay. Those that cannot be replayed are skipped; selected by id they
 * are an error.
 * @param records of all dead letters, including replayed and removed ones
 * @throws PipelineError `job_not_found`, `not_in_dlq`, `not_replayable`, with the id
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
      dead.filter((deadLetter) => isReplayable(deadLetter) && matches(deadLetter, selection.filter, now)),
    );
  }
  const deadLetters = replayOrder(await findDeadLetters(selection.ids, records, readState));
  const unfit = deadLetters.find((deadLetter) => !isReplayable(deadLetter));
  if (unfit === undefined) return deadLetters;
  const { job_id, error } = unfit;
  throw new PipelineError(
    'not_replayable',
    `${job_id} cannot be replayed (${error.reason}). Remove it with DELETE /dlq/messages?id=${job_id}`,
    { details: { job_id } },
  );
}

/** @throws PipelineError `job_not_found` */
export type ReadState = (jobId: string) => Promise<JobState>;

/**
 * The dead letters with these ids, in their order; every dead run of a job. One id without a dead letter is an error.
 * @param records of all dead letters, including replayed and removed ones
 * @throws PipelineError `job_not_found`, `not_in_dlq`, with the id
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
    if (dead.length === 0) throw await notFoundError(id, ofJob.at(-1), readState);
    found.push(...dead);
  }
  return found;
}

async function notFoundError(
  id: string,
  newest: DeadLetter | undefined,
  readState: ReadState,
): Promise<PipelineError> {
  const status = await stateOrMissing(id, readState);
  if (status === undefined && newest === undefined) {
    return new PipelineError('job_not_found', `No job and no dead letter with the id ${id}.`, {
      details: { job_id: id },
    });
  }
  const detail =
    status === 'failed' && newest === undefined
      ? `The job ${id} has failed, but its dead letter is not recorded yet. Retry in a moment.`
      : `${id} is not in the dead-letter queue: ${[
          ...(status === undefined ? [] : [`the job is ${status}`]),
          ...(newest === undefined ? [] : [`the dead letter of run ${newest.run} was ${newest.state}`]),
        ].join(', and ')}.`;
  return new PipelineError('not_in_dlq', detail, {
    details: { job_id: id, job_status: status },
  });
}

const missing: readonly string[] = ['job_not_found', 'job_removed'];

async function stateOrMissing(id: string, readState: ReadState): Promise<JobState | undefined> {
  try {
    return await readState(id);
  } catch (error) {
    if (error instanceof PipelineError && missing.includes(error.code)) return undefined;
    throw error;
  }
}

export interface DeadLetterFilter {
  /** An error code. */
  readonly reason?: string | undefined;
  /** A requested operation. */
  readonly operation?: string | undefined;
  /** Since it was recorded. */
  readonly older_than_seconds?: number | undefined;
}

export function matches(deadLetter: DeadLetter, filter: DeadLetterFilter, now: Date): boolean {
  const { reason, operation, older_than_seconds } = filter;
  const age = (now.getTime() - Date.parse(deadLetter.dead_lettered_at)) / 1_000;
  return (
    (reason === undefined || deadLetter.error.code === reason) &&
    (operation === undefined || deadLetter.operations.includes(operation)) &&
    (older_than_seconds === undefined || age >= older_than_seconds)
  );
}

/** A message that was no job, or whose request is missing, cannot be replayed. */
export function isReplayable({ job_id, submitted_at }: DeadLetter): boolean {
  return jobIdSchema.safeParse(job_id).success && submitted_at !== null;
}

/**
 * The order of replays, one dead letter per job: those replayed least often first, so that a job that always fails does not
 * block all others as the canary; then as given.
 */
export function replayOrder(deadLetters: readonly DeadLetter[]): DeadLetter[] {
  const newest = new Map<string, DeadLetter>();
  for (const deadLetter of deadLetters) {
    const known = newest.get(deadLetter.job_id);
    if (known === undefined || known.run < deadLetter.run) newest.set(deadLetter.job_id, deadLetter);
  }
  return [...newest.values()].toSorted((one, other) => one.run - other.run);
}
