import { setTimeout as sleep } from 'node:timers/promises';
import { outcomeKey } from '@image-pipeline/shared/store/keys.ts';
import { completedOutcome } from '../../testing/job-life.ts';
import { describe, expect, it } from 'vitest';
import { thumbnailOf } from '../../testing/test-place.ts';
import { setUpSystem } from '../../testing/test-system.ts';
import { RawClient } from '../../testing/raw-client.ts';
import type { TestApi } from '../../testing/test-system.ts';
import { queueStatsSchema } from './thumbnail-routes.ts';

const system = setUpSystem();

async function statsOf(api: TestApi) {
  return queueStatsSchema.strict().parse((await api.ask('/api/v1/queue/stats')).json);
}

describe('a page of seventy thumbnails', () => {
  it('is served without errors through the queue, and the second time from memory', async () => {
    const api = await system.startApi({ UPSTREAM_MIN_INTERVAL: 0.01 });
    expect(await statsOf(api)).toEqual({
      queue: {
        max_concurrent: 3,
        min_interval: 0.01,
        active_requests: 0,
        waiting_requests: 0,
        total_requests: 0,
        avg_wait_time: 0,
      },
      cache: { thumbnail_count: 0, thumbnail_ttl: 120 },
    });
    const jobs = await system.storeCompletedJobs(70);
    const page = () => Promise.all(jobs.map(({ job_id }) => api.ask(`/thumbnail/${job_id}`)));
    const began = performance.now();
    const responses = await page();
    expect(performance.now() - began).toBeGreaterThan(690);
    expect(responses.map(({ status, bytes }) => [status, bytes])).toEqual(
      jobs.map(({ job_id }) => [200, thumbnailOf(job_id)]),
    );
    const { queue, cache } = await statsOf(api);
    expect(queue).toMatchObject({ active_requests: 0, waiting_requests: 0, total_requests: 70 });
    expect(queue.avg_wait_time).toBeGreaterThan(0);
    expect(cache.thumbnail_count).toBe(70);

    for (const request of jobs) {
      await system.store.remove(completedOutcome(request).thumbnail.key);
      await system.store.remove(outcomeKey(request.job_id, 1));
    }
    expect((await page()).map(({ bytes }) => bytes)).toEqual(responses.map(({ bytes }) => bytes));
    expect((await statsOf(api)).queue.total_requests).toBe(70);
  });

  it('supports HEAD and ETags from memory', async () => {
    const api = await system.startApi();
    const [job] = await system.storeCompletedJobs(1);
    const path = `/thumbnail/${job?.job_id ?? ''}`;
    const { headers, bytes } = await api.ask(path);
    const head = await api.ask(path, { method: 'HEAD' });
    expect(head).toMatchObject({ status: 200, bytes: Buffer.alloc(0) });
    expect(head.headers.get('content-length')).toBe(String(bytes.length));
    const etag = headers.get('etag') ?? '';
    const known = { 'if-none-match': etag, 'cache-control': '' };
    expect(await api.ask(path, { headers: known })).toMatchObject({ status: 304, bytes: Buffer.alloc(0) });
    expect((await statsOf(api)).queue.total_requests).toBe(1);
  });
});

describe('a client that waits in the queue', () => {
  it('leaves it at once when it disconnects', async () => {
    const api = await system.startApi({ UPSTREAM_MAX_CONCURRENT: 1, UPSTREAM_MIN_INTERVAL: 60 });
    const jobs = await system.storeCompletedJobs(3);
    expect((await api.ask(`/thumbnail/${jobs[0]?.job_id ?? ''}`)).status).toBe(200);
    const clients = [await RawClient.to(api.port), await RawClient.to(api.port)];
    for (const [n, client] of clients.entries()) {
      await client.send(`GET /thumbnail/${jobs[n + 1]?.job_id ?? ''} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    }
    await expect.poll(async () => (await statsOf(api)).queue.waiting_requests).toBe(2);
    for (const client of clients) client.abort();
    await expect.poll(async () => (await statsOf(api)).queue.waiting_requests).toBe(0);
    expect((await statsOf(api)).queue).toMatchObject({ active_requests: 0, total_requests: 1 });
  });

  it('gets a timeout if it gets no slot', async () => {
    const api = await system.startApi({ UPSTREAM_MIN_INTERVAL: 60 }, { thumbnailTimeoutMs: 200 });
    const [first, second] = await system.storeCompletedJobs(2);
    await api.ask(`/thumbnail/${first?.job_id ?? ''}`);
    const response = await api.ask(`/thumbnail/${second?.job_id ?? ''}`);
    expect(response).toMatchObject({ status: 503, json: { code: 'overloaded' } });
    expect(response.headers.get('retry-after')).toBe('2');
    await sleep(0);
    expect((await statsOf(api)).queue).toMatchObject({ waiting_requests: 0, total_requests: 1 });
  });
});
