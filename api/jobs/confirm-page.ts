import { isDamagedRecord, StoreUnavailable } from '@image-pipeline/shared/errors.ts';
import type { JobView } from '@image-pipeline/shared/jobs/job-view.ts';
import { pause, untilAborted } from '@image-pipeline/shared/waiting.ts';
import { confirm, isPastRetention, type JobSources } from './read-status.ts';

/** Maximum number of jobs of one page that are compared with the store at the same time. */
const MAX_CONCURRENT_READS = 8;
/** Milliseconds for all reads of one page. */
const PAGE_TIMEOUT_MS = 2_000;

/**
 * Jobs of the event log, as far as the store confirms them; without those that were never accepted or have been removed. A job stays as its
 * events say if its record is damaged, and so do all jobs that are not confirmed yet when the store fails, the time is
 * over or `gone` aborts: no further job is read then.
 */
export type ConfirmPage = (views: readonly JobView[], gone: AbortSignal) => Promise<readonly JobView[]>;

/** Pages that have a job in common read it once at a time, so that polling a slow store adds no reads. */
export function createConfirmPage(
  { followed, store, retentionMs }: Pick<JobSources, 'followed' | 'store' | 'retentionMs'>,
  timeoutMs = PAGE_TIMEOUT_MS,
): ConfirmPage {
  // A read that fails ends the reads of its page, whether its job is open or has ended.
  const sources = { followed, store, retentionMs, unlessUnavailable: (read) => read() } satisfies JobSources;
  const reads = new WeakMap<JobView, Promise<JobView | undefined>>();
  const confirmOnce = (view: JobView) => {
    const read = reads.get(view) ?? confirm(view, sources).finally(() => reads.delete(view));
    reads.set(view, read);
    return read;
  };
  return async (views, gone) => {
    const shown: (JobView | undefined)[] = [...views];
    const over = new AbortController();
    const enough = AbortSignal.any([gone, over.signal]);
    // One iterator for all lanes: each takes the next job that is left.
    const unconfirmed = [...views.entries()]
      .filter(([, view]) => !followed.isStored(view) || isPastRetention(view, retentionMs))
      .values();
    const readLane = async () => {
      for (const [index, view] of unconfirmed) {
        if (enough.aborted) return;
        try {
          shown[index] = await confirmOnce(view);
        } catch (error) {
          if (error instanceof StoreUnavailable) over.abort();
          else if (!isDamagedRecord(error)) throw error;
        }
      }
    };
    const lanes = Promise.all(Array.from({ length: MAX_CONCURRENT_READS }, readLane));
    void pause(timeoutMs, enough).then(() => over.abort());
    try {
      await untilAborted(lanes, enough);
    } catch (error) {
      if (!enough.aborted) throw error;
    } finally {
      over.abort();
    }
    return shown.filter((view) => view !== undefined);
  };
}
