import { once } from 'node:events';
import { jobIdSchema } from '@image-pipeline/shared/contracts/job.ts';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import { findStoredJob } from '@image-pipeline/shared/jobs/find-job.ts';
import { type JobView, viewOfStored, withEarlierDeliveries } from '@image-pipeline/shared/jobs/job-view.ts';
import { mayHaveBeenRemoved } from '@image-pipeline/shared/jobs/retention.ts';
import { readOutcome } from '@image-pipeline/shared/jobs/read-run.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { pause } from '@image-pipeline/shared/waiting.ts';
import { type FollowedJobs, hasEnded } from './followed-jobs.ts';
import type { UnlessUnavailable } from './unless-unavailable.ts';

/** Within this time (ms) after a job's newest event, the event of its end may be in flight. */
const EVENT_LATENCY_MS = 2_000;

export interface JobSources {
  readonly followed: Pick<FollowedJobs, 'get' | 'ends' | 'correct' | 'isStored' | 'isStoredRun'>;
  readonly store: Pick<ObjectStore, 'get' | 'list'>;
  /** For optional reads of the store about a job in the event log. */
  readonly unlessUnavailable: UnlessUnavailable;
  /** How long jobs are kept after their end, in milliseconds; default: always. */
  readonly retentionMs?: number | undefined;
}

/** Whether only the store knows if the job still exists: it may have been removed since its events were read. */
export function isPastRetention({ outcome }: JobView, retentionMs = Infinity): boolean {
  return outcome !== undefined && Date.now() - Date.parse(outcome.finished_at) > retentionMs;
}

function unknownJob(jobId: string, retentionMs = Infinity): PipelineError {
  if (!jobIdSchema.safeParse(jobId).success) {
    const detail = 'No job with this id. A job id is the UUID in the response to the upload.';
    return new PipelineError('job_not_found', detail);
  }
  if (!mayHaveBeenRemoved(jobId, retentionMs))
    return new PipelineError('job_not_found', 'No job with this id.');
  const hours = retentionMs / 3_600_000;
  return new PipelineError(
    'job_removed',
    `This job was removed or never existed. Jobs are removed ${hours} h after they end (RETENTION).`,
  );
}

/**
 * The state of a job: from the event log if it has the job, confirmed by the store; else from the store.
 * @throws PipelineError `job_not_found`, `job_removed`, `record_damaged`; StoreUnavailable
 */
export async function readStatus(jobId: string, sources: JobSources): Promise<JobView> {
  const { followed, store } = sources;
  const live = followed.get(jobId);
  const view = live === undefined ? await findStoredJob(store, jobId) : await confirm(live, sources);
  if (view === undefined) throw unknownJob(jobId, sources.retentionMs);
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
  const waited = pause(waitMs, enough).then(() => over.abort());
  try {
    for (;;) {
      // Listens before it reads, so that no end is missed in between.
      const ended = once(sources.followed.ends, jobId, { signal: enough }).catch(() => undefined);
      const view = await readStatus(jobId, sources);
      if (hasEnded(view)) return view;
      await Promise.race([ended, waited]);
      // Many clients may leave at the same moment: nothing is read for them.
      gone.throwIfAborted();
      if (enough.aborted) return await readStatus(jobId, sources);
    }
  } finally {
    over.abort();
  }
}

/**
 * What the event log says about a job, as far as the store confirms it. A terminal state is only shown as `outcome.json`
 * has it, and a run only if it has a `request.json`; both are read once, and again when the job may have been removed. The
 * store is not needed for an open job of the log.
 * @returns undefined if there is no such job
 * @throws StoreUnavailable if the job is said to have ended; PipelineError `record_damaged`
 */
export async function confirm(live: JobView, sources: JobSources): Promise<JobView | undefined> {
  const { followed, store, unlessUnavailable, retentionMs } = sources;
  if (!followed.isStoredRun(live) || isPastRetention(live, retentionMs)) {
    const find = async () => ({ job: await findStoredJob(store, live.request.job_id) });
    const found = hasEnded(live) ? await find() : await unlessUnavailable(find);
    if (found === undefined) return { ...live, earlierRuns: [] };
    const job = withEvents(found.job, live);
    followed.correct(live, job);
    return job;
  }
  if (followed.isStored(live) && (hasEnded(live) || isFresh(live))) return live;
  const { job_id, run } = live.request;
  const read = async () => ({ outcome: await readOutcome(store, job_id, run) });
  const found = hasEnded(live) ? await read() : await unlessUnavailable(read);
  // The event of a job's end may also be late, or lost with a broker; the outcome was stored before it.
  if (found === undefined || (found.outcome === undefined && !hasEnded(live))) return live;
  const job = withEvents(viewOfStored(live.request, found.outcome, live.earlierRuns), live);
  followed.correct(live, job);
  return job;
}

/**
 * What the store does not know: how far an open run is, and which workers had an ended one before. The events of an end
 * that was not recorded add nothing.
 */
function withEvents(stored: JobView | undefined, live: JobView): JobView | undefined {
  if (stored === undefined || stored.request.run !== live.request.run) return stored;
  const { attempt, state, timeline, outcome } = live;
  if (stored.outcome === undefined) return hasEnded(live) ? stored : { ...stored, attempt, state, timeline };
  if (outcome !== undefined && outcome.attempt_id !== stored.outcome.attempt_id) return stored;
  return { ...stored, timeline: withEarlierDeliveries(stored.outcome, timeline) };
}

/** A time in the future comes from a wrong clock and is ignored. */
function isFresh({ timeline }: JobView): boolean {
  const age = Date.now() - Date.parse(timeline.at(-1)?.at ?? '');
  return age >= 0 && age < EVENT_LATENCY_MS;
}
