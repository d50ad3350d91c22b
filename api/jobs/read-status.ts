import { endedEvent } from '@image-pipeline/shared/contracts/event.ts';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import { findEarlierRuns, findStoredJob } from '@image-pipeline/shared/jobs/find-job.ts';
import { applyEvent, type JobView } from '@image-pipeline/shared/jobs/job-view.ts';
import { readOutcome } from '@image-pipeline/shared/jobs/record-outcome.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { pause } from '@image-pipeline/shared/waiting.ts';
import { type FollowedJobs, hasEnded } from './followed-jobs.ts';
import type { UnlessUnavailable } from './unless-unavailable.ts';

/** Within this time (ms) after a job's newest event, the event of its end may be in flight. */
const EVENT_LATENCY_MS = 2_000;

export interface JobSources {
  readonly followed: Pick<FollowedJobs, 'get' | 'nextEnd' | 'apply'>;
  readonly store: Pick<ObjectStore, 'get' | 'list'>;
  /** For optional reads of the store about a job in the event log. */
  readonly unlessUnavailable: UnlessUnavailable;
}

/**
 * The state of a job: from the event log if it has the job, else from the store.
 * @throws PipelineError `job_not_found`; StoreUnavailable
 */
export async function readStatus(jobId: string, sources: JobSources): Promise<JobView> {
  const { followed, store } = sources;
  const live = followed.get(jobId);
  const view = live === undefined ? await findStoredJob(store, jobId) : await fromLogAndStore(live, sources);
  if (view === undefined) throw new PipelineError('job_not_found', 'No job with this id.');
  return view;
}

/**
 * The same, but waits until the job has ended, `waitMs` are over or `stopping` aborts, whichever is first.
 * @throws PipelineError `job_not_found`, at once; StoreUnavailable; Error as soon as `gone` aborts
 */
export async function awaitStatus(
  jobId: string,
  waitMs: number,
  { gone, stopping }: { readonly gone: AbortSignal; readonly stopping: AbortSignal },
  sources: JobSources,
): Promise<JobView> {
  const over = new AbortController();
  const enough = AbortSignal.any([gone, stopping, over.signal]);
  // Listens before it reads, so that no end is missed in between.
  const ended = sources.followed.nextEnd(jobId, enough).catch(() => undefined);
  try {
    const view = await readStatus(jobId, sources);
    if (hasEnded(view)) return view;
    await Promise.race([ended, pause(waitMs, enough)]);
    // Many clients may leave at the same moment: nothing is read for them.
    gone.throwIfAborted();
    return await readStatus(jobId, sources);
  } finally {
    over.abort();
  }
}

async function fromLogAndStore(live: JobView, sources: JobSources): Promise<JobView> {
  const [view, earlierRuns] = await Promise.all([withEnd(live, sources), missingRunsOf(live, sources)]);
  return earlierRuns === undefined ? view : { ...view, earlierRuns };
}

/** The event of a job's end may be late, or lost with a broker; the outcome was stored before it. */
async function withEnd(view: JobView, { followed, store, unlessUnavailable }: JobSources): Promise<JobView> {
  if (hasEnded(view) || isFresh(view)) return view;
  const { job_id, run } = view.request;
  const outcome = await unlessUnavailable(() => readOutcome(store, job_id, run));
  if (outcome === undefined) return view;
  const end = endedEvent(view.request, outcome);
  // So that it is read from the store only once.
  followed.apply(end);
  return applyEvent(view, end);
}

/** A time in the future comes from a wrong clock and is ignored. */
function isFresh({ timeline }: JobView): boolean {
  const age = Date.now() - Date.parse(timeline.at(-1)?.at ?? '');
  return age >= 0 && age < EVENT_LATENCY_MS;
}

/** The log may have only the newest run. Undefined if it has all runs, or if the store does not respond in time. */
async function missingRunsOf({ request, earlierRuns }: JobView, { store, unlessUnavailable }: JobSources) {
  const { job_id, run } = request;
  if (earlierRuns.length >= run - 1) return undefined;
  return unlessUnavailable(() => findEarlierRuns(store, job_id, run));
}
