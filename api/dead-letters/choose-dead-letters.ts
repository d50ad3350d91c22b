import type { DeadLetter } from '@image-pipeline/shared/contracts/dead-letter.ts';
import { jobIdSchema } from '@image-pipeline/shared/contracts/job.ts';

export interface DeadLetterFilter {
  /** An error code. */
  readonly reason?: string | undefined;
  /** A kind of operation that was asked for. */
  readonly operation?: string | undefined;
  /** Since it was buried. */
  readonly older_than_seconds?: number | undefined;
}

export function matches(letter: DeadLetter, filter: DeadLetterFilter, now: Date): boolean {
  const { reason, operation, older_than_seconds } = filter;
  const age = (now.getTime() - Date.parse(letter.buried_at)) / 1_000;
  return (
    (reason === undefined || letter.error.code === reason) &&
    (operation === undefined || letter.operations.includes(operation)) &&
    (older_than_seconds === undefined || age >= older_than_seconds)
  );
}

/** A message that was no job, or whose request nobody knows, cannot be asked for again. */
export function isReplayable({ job_id, submitted_at }: DeadLetter): boolean {
  return jobIdSchema.safeParse(job_id).success && submitted_at !== null;
}

/**
 * The order in which letters are replayed, one of each job: those that were replayed least often first, so that a job
 * that fails every time does not stand in the way of all others as the canary; then as given.
 */
export function replayOrder(letters: readonly DeadLetter[]): DeadLetter[] {
  const newest = new Map<string, DeadLetter>();
  for (const letter of letters) {
    const known = newest.get(letter.job_id);
    if (known === undefined || known.run < letter.run) newest.set(letter.job_id, letter);
  }
  return [...newest.values()].toSorted((one, other) => one.run - other.run);
}
