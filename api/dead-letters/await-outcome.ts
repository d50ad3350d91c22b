import { setTimeout as sleep } from 'node:timers/promises';
import type { JobRequest } from '@image-pipeline/shared/contracts/job.ts';
import type { Outcome } from '@image-pipeline/shared/contracts/outcome.ts';
import { readOutcome } from '@image-pipeline/shared/jobs/record-outcome.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { waitForStore } from '@image-pipeline/shared/store/wait-for-store.ts';
import type { FollowedJobs } from '../jobs/followed-jobs.ts';

/** The event of an end may be lost, so the store is looked at this often (ms). */
const LOOK_MS = 2_000;

export interface AwaitOutcomeDeps {
  readonly store: Pick<ObjectStore, 'get'>;
  readonly followed: Pick<FollowedJobs, 'nextEnd'>;
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/** How a run ended; undefined when `patienceMs` are up before. Rejects when `signal` aborts. */
export async function awaitOutcome(
  { job_id, run }: Pick<JobRequest, 'job_id' | 'run'>,
  patienceMs: number,
  { store, followed, signal, log }: AwaitOutcomeDeps,
): Promise<Outcome | undefined> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const over = new AbortController();
    const enough = AbortSignal.any([signal, over.signal]);
    // Listens before it looks, so that no end falls in between.
    const ended = followed.nextEnd(job_id, enough).catch(() => undefined);
    try {
      const outcome = await waitForStore(() => readOutcome(store, job_id, run), signal, log);
      const left = deadline - performance.now();
      if (outcome !== undefined || left <= 0) return outcome;
      const look = sleep(Math.min(left, LOOK_MS), undefined, { signal: enough }).catch(() => undefined);
      await Promise.race([ended, look]);
      signal.throwIfAborted();
    } finally {
      over.abort();
    }
  }
}
