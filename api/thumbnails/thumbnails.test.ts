import { setTimeout as sleep } from 'node:timers/promises';
import { findStoredJob } from '@image-pipeline/shared/jobs/find-job.ts';
import { createMetrics } from '@image-pipeline/shared/metrics.ts';
import { RequestQueue } from '@image-pipeline/shared/request-queue.ts';
import { lifeOf, someRequest } from '../../testing/job-life.ts';
import { describe, expect, it } from 'vitest';
import { FollowedJobs } from '../jobs/followed-jobs.ts';
import { createUnlessUnavailable } from '../jobs/unless-unavailable.ts';
import { thumbnailOf } from '../../testing/test-place.ts';
import { setUpSystem } from '../../testing/test-system.ts';
import { SlowStore } from '../../testing/slow-store.ts';
import { Thumbnails, type ThumbnailsOptions } from './thumbnails.ts';

const system = setUpSystem();
const somebody = () => new AbortController().signal;

/** Thumbnails from the real store, made slow and observed. */
function slowThumbnails(
  changes: Partial<ThumbnailsOptions> & {
    takesMs?: number;
    maxConcurrent?: number;
    minInterval?: number;
  } = {},
) {
  const { takesMs = 30, maxConcurrent = 3, minInterval = 0, ...options } = changes;
  const store = new SlowStore(system.store, takesMs);
  const followed = new FollowedJobs(1_000);
  const queue = new RequestQueue({ maxConcurrent, minInterval });
  const lookUps = new RequestQueue({ maxConcurrent, minInterval: 0 });
  const thumbnails = new Thumbnails({
    sources: {
      followed,
      store,
      unlessUnavailable: createUnlessUnavailable({ timeoutMs: 400, maxConcurrent: 32 }),
    },
    estimate: () => Promise.resolve(undefined),
    queue,
    lookUps,
    ttl: 120,
    maxBytes: 1024 * 1024,
    timeoutMs: 20_000,
    metrics: createMetrics('api'),
    ...options,
  });
  return { store, followed, queue, lookUps, thumbnails };
}

/** Completed jobs whose ends have been confirmed by an earlier request, so that each thumbnail is one read. */
async function confirmedJobs(count: number, followed: FollowedJobs) {
  const jobs = await system.storeCompletedJobs(count);
  for (const request of jobs) {
    for (const event of lifeOf(request)) followed.apply(event);
    const view = followed.get(request.job_id);
    if (view !== undefined) followed.correct(view, await findStoredJob(system.store, request.job_id));
  }
  return jobs;
}

describe('seventy thumbnails on a cold cache', () => {
  it('are read from the store three at a time with an interval, and the second time from memory', async () => {
    const { store, followed, queue, thumbnails } = slowThumbnails({ minInterval: 0.02, takesMs: 80 });
    const jobs = await confirmedJobs(70, followed);
    const all = () => Promise.all(jobs.map(({ job_id }) => thumbnails.get(job_id, 'client', somebody())));
    const first = await all();
    expect(first.map(({ bytes }) => bytes)).toEqual(jobs.map(({ job_id }) => thumbnailOf(job_id)));
    expect(store.mostAtOnce).toBe(3);
    expect(store.calls).toBe(70);
    const gaps = store.starts.slice(1).map((start, n) => start - (store.starts[n] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(19);
    expect(await all()).toEqual(first);
    expect(store.calls).toBe(70);
    expect(queue.getStats()).toMatchObject({ total_requests: 70, active_requests: 0, waiting_requests: 0 });
    expect(thumbnails.getStats()).toEqual({ thumbnail_count: 70, thumbnail_ttl: 120 });
  });

  it.each([
    { store: 'a fast store', takesMs: 1, maxConcurrent: 3, atOnce: [1, 2], limit: 'the interval' },
    {
      store: 'a store that takes 400 ms',
      takesMs: 400,
      maxConcurrent: 3,
      atOnce: [3, 3],
      limit: 'the limit',
    },
    {
      store: 'the same store with a higher limit',
      takesMs: 400,
      maxConcurrent: 10,
      atOnce: [4, 5],
      limit: 'the interval',
    },
  ])('from $store are read as fast as $limit allows', async ({ takesMs, maxConcurrent, atOnce }) => {
    const { store, followed, thumbnails } = slowThumbnails({ minInterval: 0.1, takesMs, maxConcurrent });
    const jobs = await confirmedJobs(9, followed);
    await Promise.all(jobs.map(({ job_id }) => thumbnails.get(job_id, 'client', somebody())));
    const [fewest = 0, most = 0] = atOnce;
    expect(store.mostAtOnce).toBeGreaterThanOrEqual(fewest);
    expect(store.mostAtOnce).toBeLessThanOrEqual(most);
  });

  it('are read the same way for jobs that are only in the store, each once', async () => {
    const { store, queue, thumbnails } = slowThumbnails({ takesMs: 5 });
    const jobs = await system.storeCompletedJobs(70);
    const all = () => Promise.all(jobs.map(({ job_id }) => thumbnails.get(job_id, 'client', somebody())));
    const first = await all();
    // Three records and three images.
    expect(store.mostAtOnce).toBeLessThanOrEqual(6);
    const { calls } = store;
    expect(await all()).toEqual(first);
    expect(store.calls).toBe(calls);
    expect(queue.getStats()).toMatchObject({ total_requests: 70 });
  });
});

describe('one thumbnail', () => {
  it('is read once for many concurrent requests', async () => {
    const { queue, thumbnails } = slowThumbnails();
    const [job] = await system.storeCompletedJobs(1);
    const ids = [job?.job_id ?? '', job?.job_id.toUpperCase() ?? ''];
    const waiters = Array.from({ length: 50 }, (_, n) =>
      thumbnails.get(ids[n % 2] ?? '', 'client', somebody()),
    );
    expect(new Set((await Promise.all(waiters)).map(({ bytes }) => bytes)).size).toBe(1);
    expect(queue.getStats()).toMatchObject({ total_requests: 1 });
  });

  it('is read again when its TTL is over', async () => {
    const { store, thumbnails } = slowThumbnails({ ttl: 0.1, takesMs: 1 });
    const [job] = await system.storeCompletedJobs(1);
    await thumbnails.get(job?.job_id ?? '', 'client', somebody());
    const { calls } = store;
    expect(thumbnails.getStats()).toEqual({ thumbnail_count: 1, thumbnail_ttl: 0.1 });
    await expect.poll(() => thumbnails.getStats().thumbnail_count).toBe(0);
    await thumbnails.get(job?.job_id ?? '', 'client', somebody());
    expect(store.calls).toBeGreaterThan(calls);
  });

  it('is evicted when the cache is full', async () => {
    const { thumbnails } = slowThumbnails({ maxBytes: 5_000, takesMs: 1 });
    for (const { job_id } of await system.storeCompletedJobs(8))
      await thumbnails.get(job_id, 'client', somebody());
    expect(thumbnails.getStats().thumbnail_count).toBe(4);
  });
});

describe('a client that no longer waits', () => {
  it('leaves the queue', async () => {
    const { store, queue, lookUps, thumbnails } = slowThumbnails({ maxConcurrent: 1, takesMs: 100 });
    const [first, left, last] = await system.storeCompletedJobs(3);
    const leave = new AbortController();
    const begun = thumbnails.get(first?.job_id ?? '', 'client', somebody());
    const gone = thumbnails.get(left?.job_id ?? '', 'client', leave.signal);
    const waiting = thumbnails.get(last?.job_id ?? '', 'client', somebody());
    expect(lookUps.getStats().waiting_requests).toBe(3);
    leave.abort();
    await expect(gone).rejects.toThrow('the client closed the connection');
    expect(lookUps.getStats().waiting_requests).toBeLessThanOrEqual(2);
    await Promise.all([begun, waiting]);
    expect(store.calls).toBe(2 * 4);
    await sleep(0);
    expect(queue.getStats()).toMatchObject({ active_requests: 0, waiting_requests: 0, total_requests: 2 });
  });

  it('does not affect others that wait for the same thumbnail', async () => {
    const { queue, thumbnails } = slowThumbnails();
    const [job] = await system.storeCompletedJobs(1);
    const leave = new AbortController();
    const gone = thumbnails.get(job?.job_id ?? '', 'client', leave.signal);
    const stays = thumbnails.get(job?.job_id ?? '', 'client', somebody());
    leave.abort();
    await expect(gone).rejects.toThrow('the client closed the connection');
    expect((await stays).bytes).toEqual(thumbnailOf(job?.job_id ?? ''));
    expect(queue.getStats()).toMatchObject({ total_requests: 1 });
  });
});

describe('a job in progress', () => {
  it('gets its 409 without a read of the store', async () => {
    const { store, followed, thumbnails } = slowThumbnails();
    const request = someRequest({ submitted_at: new Date(Date.now() - 60_000).toISOString() });
    followed.queued(request);
    store.hang(20_000);
    await expect(thumbnails.get(request.job_id, 'client', somebody())).rejects.toMatchObject({
      code: 'not_ready',
    });
    expect(store.calls).toBe(0);
  });
});

describe('requests for thumbnails that do not exist', () => {
  it('take no turn, even if they are many', async () => {
    const { queue, thumbnails } = slowThumbnails({ minInterval: 60, takesMs: 1 });
    const open = someRequest();
    await system.storeJob(open);
    const ids = [...Array.from({ length: 300 }, () => someRequest().job_id), open.job_id, 'no-id'];
    const asked = await Promise.allSettled(ids.map((id) => thumbnails.get(id, 'flood', somebody())));
    expect(asked.filter(({ status }) => status === 'fulfilled')).toEqual([]);
    expect(queue.getStats()).toMatchObject({ total_requests: 0, waiting_requests: 0 });
  });

  it('delay those of another client by one turn at most', async () => {
    const { lookUps, thumbnails } = slowThumbnails({ maxConcurrent: 1, takesMs: 2 });
    const [job] = await system.storeCompletedJobs(1);
    const flood = Promise.allSettled(
      Array.from({ length: 900 }, () => thumbnails.get(someRequest().job_id, 'flood', somebody())),
    );
    const { bytes } = await thumbnails.get(job?.job_id ?? '', 'client', somebody());
    expect(bytes).toEqual(thumbnailOf(job?.job_id ?? ''));
    expect(lookUps.getStats().waiting_requests).toBeGreaterThan(800);
    await flood;
  });
});

describe('a store that hangs', () => {
  it('gives every client a timeout, holds its slots until its reads settle, and is read again afterwards', async () => {
    const { store, lookUps, thumbnails } = slowThumbnails({ timeoutMs: 300 });
    const jobs = await system.storeCompletedJobs(10);
    store.hang(600);
    const askedAt = performance.now();
    const responses = await Promise.allSettled(
      jobs.map(({ job_id }) => thumbnails.get(job_id, 'client', somebody())),
    );
    expect(performance.now() - askedAt).toBeLessThan(550);
    const codes = responses.map((response) =>
      response.status === 'rejected' && response.reason instanceof Error && 'code' in response.reason
        ? response.reason.code
        : response.status,
    );
    expect(codes).toEqual([
      ...Array<string>(3).fill('store_unavailable'),
      ...Array<string>(7).fill('overloaded'),
    ]);
    expect(lookUps.getStats()).toMatchObject({ active_requests: 3, waiting_requests: 0 });
    expect(store.active).toBe(3);
    store.resume();
    await expect.poll(() => lookUps.getStats().active_requests).toBe(0);
    expect((await thumbnails.get(jobs[9]?.job_id ?? '', 'client', somebody())).bytes).toEqual(
      thumbnailOf(jobs[9]?.job_id ?? ''),
    );
  });
});
