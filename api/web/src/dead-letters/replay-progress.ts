import type { ListedDeadLetter } from '../api.ts';
import type { Job } from '../live/jobs.ts';

export interface ReplayProgress {
  /** `stopped`: a job failed again, so the waiting ones stay dead letters. */
  readonly phase: 'starting' | 'canary' | 'rest' | 'stopped' | 'done';
  /** The first job to be replayed, once it is known. */
  readonly canary: Job | undefined;
  readonly completed: number;
  /** Those that failed again. */
  readonly failed: readonly Job[];
  readonly inProgress: number;
  readonly waiting: number;
  readonly total: number;
}

/**
 * The progress of a replay, from the events of its jobs: a job is replayed once it has a later run than its dead letter.
 * @param jobOf the newest known state of a job
 */
export function progressOfReplay(
  letters: readonly Pick<ListedDeadLetter, 'job_id' | 'run'>[],
  jobOf: (id: string) => Job | undefined,
): ReplayProgress {
  const replayed = letters.flatMap(({ job_id, run }) => {
    const job = jobOf(job_id);
    return job !== undefined && job.run > run ? [job] : [];
  });
  const [canary] = replayed.toSorted((one, other) => one.submittedAt.localeCompare(other.submittedAt));
  const completed = replayed.filter(({ state }) => state === 'completed').length;
  const failed = replayed.filter(({ state }) => state === 'failed');
  const total = letters.length;
  return {
    phase: phaseOf({ replayed: replayed.length, completed, failed: failed.length, total }),
    canary,
    completed,
    failed,
    inProgress: replayed.length - completed - failed.length,
    waiting: total - replayed.length,
    total,
  };
}

function phaseOf(
  count: Readonly<Record<'replayed' | 'completed' | 'failed' | 'total', number>>,
): ReplayProgress['phase'] {
  if (count.failed > 0) return 'stopped';
  if (count.completed === count.total) return 'done';
  if (count.completed > 0) return 'rest';
  return count.replayed > 0 ? 'canary' : 'starting';
}
