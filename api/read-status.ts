import { setTimeout as sleep } from 'node:timers/promises';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import { findEarlierRuns, findStoredJob } from '@image-pipeline/shared/jobs/find-job.ts';
import type { JobView } from '@image-pipeline/shared/jobs/job-view.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { hasEnded, type FollowedJobs } from './followed-jobs.ts';

export interface JobSources {
  readonly followed: Pick<FollowedJobs, 'get' | 'nextEnd'>;
  readonly store: Pick<ObjectStore, 'get' | 'list'>;
}

/**
 * What is known of a job: from the event log while it remembers the job, else from the store.
 * @throws PipelineError `job_not_found`; StoreUnavailable
 */
export async function readStatus(jobId: string, { followed, store }: JobSources): Promise<JobView> {
  const id = jobId.toLowerCase();
  const live = followed.get(id);
  const view = live === undefined ? await findStoredJob(store, id) : await withEarlierRuns(live, store);
  if (view === undefined) throw new PipelineError('job_not_found', 'There is no job with this id.');
  return view;
}

/**
 * The same, but holds the answer until the job has ended, `waitMs` are up or `signal` aborts, whichever is first.
 * @throws PipelineError `job_not_found`, at once; StoreUnavailable
 */
export async function awaitStatus(
  jobId: string,
  waitMs: number,
  signal: AbortSignal,
  sources: JobSources,
): Promise<JobView> {
  const over = new AbortController();
  const enough = AbortSignal.any([signal, over.signal]);
  // Listens before it looks, so that no end falls in between.
  const ended = sources.followed.nextEnd(jobId.toLowerCase(), enough).catch(() => undefined);
  try {
    const view = await readStatus(jobId, sources);
    if (hasEnded(view)) return view;
    await Promise.race([ended, sleep(waitMs, undefined, { signal: enough }).catch(() => undefined)]);
    return await readStatus(jobId, sources);
  } finally {
    over.abort();
  }
}

/** The log may reach back to the newest run only. */
async function withEarlierRuns(view: JobView, store: JobSources['store']): Promise<JobView> {
  const { job_id, run } = view.request;
  if (view.earlierRuns.length >= run - 1) return view;
  return { ...view, earlierRuns: await findEarlierRuns(store, job_id, run) };
}
