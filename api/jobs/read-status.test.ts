import {
  endedEvent,
  queuedEvent,
  redeliveredEvent,
  startedEvent,
} from '@image-pipeline/shared/contracts/event.ts';
import { StoreUnavailable } from '@image-pipeline/shared/errors.ts';
import { outcomeKey } from '@image-pipeline/shared/store/keys.ts';
import {
  completedOutcome,
  failedOutcome,
  lifeOf,
  retrying,
  someRequest,
  started,
} from '../../testing/job-life.ts';
import { describe, expect, it } from 'vitest';
import { setUpSystem } from '../../testing/test-system.ts';
import { RawClient } from '../../testing/raw-client.ts';
import { SlowStore } from '../../testing/slow-store.ts';
import type { TestApi } from '../../testing/test-system.ts';
import { FollowedJobs } from './followed-jobs.ts';
import { awaitStatus, readStatus } from './read-status.ts';
import { createUnlessUnavailable } from './unless-unavailable.ts';

const system = setUpSystem();
const unlessUnavailable = createUnlessUnavailable({ timeoutMs: 400, maxConcurrent: 32 });

async function untilStatus(api: TestApi, jobId: string, status: string): Promise<void> {
  await expect
    .poll(async () => (await api.ask(`/status/${jobId}`)).json, { timeout: 10_000, interval: 20 })
    .toMatchObject({ status });
}

async function untilListed(api: TestApi, jobId: string, status: string): Promise<void> {
  await expect
    .poll(async () => (await api.ask(`/jobs?status=${status}`)).json, { timeout: 10_000, interval: 20 })
    .toMatchObject({ jobs: expect.arrayContaining([expect.objectContaining({ job_id: jobId })]) as unknown });
}

describe('the status of a job', () => {
  it('has all details and links once it has completed', async () => {
    const api = await system.startApi();
    const request = someRequest();
    const outcome = completedOutcome(request);
    await system.storeJob(request, outcome);
    await system.publish(...lifeOf(request, outcome));
    await untilStatus(api, request.job_id, 'completed');
    const { original, result } = { ...request, ...outcome };
    expect((await api.ask(`/status/${request.job_id}`)).json).toEqual({
      job_id: request.job_id,
      status: 'completed',
      read_from: 'event_log',
      run: 1,
      attempt: 1,
      submitted_at: request.submitted_at,
      updated_at: outcome.finished_at,
      original: {
        name: original.name,
        size: original.size,
        content_type: original.content_type,
        url: `/originals/${request.job_id}`,
      },
      operations: request.operations,
      output: request.output,
      timeline: outcome.timeline,
      result: {
        url: `/results/${request.job_id}`,
        content_type: result.content_type,
        size: result.size,
        width: result.width,
        height: result.height,
        sha256: result.sha256,
      },
      source: outcome.source,
      thumbnail_url: `/thumbnail/${request.job_id}`,
      timings: outcome.timings,
      runs: [],
    });
  });

  it('shows every attempt of a retried job, and why it was retried', async () => {
    const api = await system.startApi();
    const request = someRequest();
    await system.storeJob(request);
    await system.publish(queuedEvent(request), started(request), retrying(request), started(request, 2));
    await expect
      .poll(async () => (await api.ask(`/status/${request.job_id}`)).json, { timeout: 10_000 })
      .toMatchObject({
        status: 'processing',
        attempt: 2,
        timeline: [
          { state: 'queued', attempt: 1 },
          { state: 'processing', attempt: 1, worker: 'worker-1' },
          { state: 'retrying', attempt: 1, error: { code: 'deadline_exceeded' } },
          { state: 'processing', attempt: 2, worker: 'worker-1' },
        ],
      });
  });

  it('still shows the worker that was killed after another one has finished the job', async () => {
    const api = await system.startApi();
    const request = someRequest();
    const at = (seconds: number) =>
      new Date(Date.parse(request.submitted_at) + seconds * 1_000).toISOString();
    const entry = { run: 1, attempt: 1 };
    const reason = 'The connection of worker-1 was lost.';
    const redelivery = { delivery: 2, reason };
    const timeline = [
      { state: 'queued' as const, ...entry, at: request.submitted_at },
      { state: 'redelivered' as const, ...entry, at: at(2), worker: 'worker-2', ...redelivery },
      {
        state: 'processing' as const,
        ...entry,
        at: at(2),
        worker: 'worker-2',
        redelivered: true,
        delivery: 2,
      },
      { state: 'completed' as const, ...entry, at: at(3), worker: 'worker-2' },
    ];
    const outcome = { ...completedOutcome(request), worker: 'worker-2', timeline };
    await system.storeJob(request, outcome);
    await system.publish(
      queuedEvent(request),
      startedEvent(request, 1, 'worker-1', at(1)),
      redeliveredEvent(request, 1, { worker: 'worker-2', at: at(2), ...redelivery }),
      startedEvent(request, 1, 'worker-2', at(2), { redelivered: true, delivery: 2 }),
      endedEvent(request, outcome),
    );
    await untilListed(api, request.job_id, 'completed');
    const expected = [
      { state: 'queued' },
      { state: 'processing', worker: 'worker-1' },
      { state: 'redelivered', reason },
      { state: 'processing', worker: 'worker-2' },
      { state: 'completed', worker: 'worker-2' },
    ];
    const read = async () => (await api.ask(`/status/${request.job_id}`)).json;
    expect(await read()).toMatchObject({ status: 'completed', timeline: expected });
    expect(await read()).toMatchObject({ status: 'completed', timeline: expected });
  });

  it('has no timeline entry from the events of an end that was not recorded', async () => {
    const request = someRequest();
    const outcome = completedOutcome(request);
    await system.storeJob(request, outcome);
    const followed = new FollowedJobs(10);
    followed.queued(request);
    followed.apply(
      startedEvent(request, 1, 'worker-9', request.submitted_at, { redelivered: true, delivery: 2 }),
    );
    followed.apply(endedEvent(request, { ...failedOutcome(request), attempt_id: 'forged' }));
    const view = await readStatus(request.job_id, { followed, store: system.store, unlessUnavailable });
    expect(view).toMatchObject({ state: 'completed', timeline: outcome.timeline });
    expect(view.timeline).toHaveLength(outcome.timeline.length);
  });

  it('has code and reason of a failed job', async () => {
    const api = await system.startApi();
    const request = someRequest();
    await system.storeJob(request, failedOutcome(request));
    expect((await api.ask(`/status/${request.job_id}`)).json).toMatchObject({
      status: 'failed',
      error: { code: 'undecodable_image', reason: 'The bytes cannot be decoded.' },
    });
  });

  it('shows the newest run of a replayed job, and how earlier runs ended', async () => {
    const api = await system.startApi();
    const first = someRequest();
    const second = { ...first, run: 2 };
    await system.storeJob(first, failedOutcome(first));
    await system.storeJob(second);
    const expected = {
      status: 'queued',
      run: 2,
      runs: [{ run: 1, status: 'failed', error: { code: 'undecodable_image' } }],
    };
    expect((await api.ask(`/status/${first.job_id}`)).json).toMatchObject(expected);
    // The log may begin after the first run.
    await system.publish(queuedEvent(second), started(second));
    await untilStatus(api, first.job_id, 'processing');
    expect((await api.ask(`/status/${first.job_id}`)).json).toMatchObject({
      ...expected,
      status: 'processing',
    });
  });

  it('accepts an id in capital letters', async () => {
    const api = await system.startApi();
    const request = someRequest();
    await system.storeJob(request);
    expect((await api.ask(`/status/${request.job_id.toUpperCase()}`)).json).toMatchObject({
      job_id: request.job_id,
    });
  });

  it.each([
    ['a job that never was', someRequest().job_id],
    ['what is no id', 'nonsense'],
    ['an id of another kind', '3b241101-e2bb-4255-8caf-4136c566a962'],
    ['a path', '..%2f..%2fetc%2fpasswd'],
    ['a NUL', '%00'],
    ['a very long text', 'x'.repeat(4_000)],
  ])('is 404 for %s', async (_case, id) => {
    const api = await system.startApi();
    for (const path of ['status', 'results', 'originals', 'thumbnail']) {
      expect(await api.ask(`/${path}/${id}`)).toMatchObject({ status: 404, json: { code: 'job_not_found' } });
    }
  });

  it('says what a job id is if the given one is none', async () => {
    const api = await system.startApi();
    expect((await api.ask('/status/123')).json).toMatchObject({
      detail: 'No job with this id. A job id is the UUID in the response to the upload.',
    });
    expect((await api.ask(`/status/${someRequest().job_id}`)).json).toMatchObject({
      detail: 'No job with this id.',
    });
  });

  it('is 400 for an undecodable id', async () => {
    const api = await system.startApi();
    expect((await api.ask('/status/%E0%A4%A')).json).toMatchObject({ code: 'malformed_request' });
  });
});

describe('a restarted API', () => {
  it('shows ended jobs as they ended, and running ones as processing', async () => {
    const [old, running, waiting] = [someRequest(), someRequest(), someRequest()];
    await system.storeJob(old, completedOutcome(old));
    await system.storeJob(running);
    await system.storeJob(waiting);
    await system.publish(queuedEvent(running), started(running));
    const api = await system.startApi();
    expect((await api.ask(`/status/${old.job_id}`)).json).toMatchObject({ status: 'completed' });
    expect((await api.ask(`/status/${running.job_id}`)).json).toMatchObject({ status: 'processing' });
    expect((await api.ask(`/status/${waiting.job_id}`)).json).toMatchObject({ status: 'queued' });
  });
});

describe('a job whose end event is missing', () => {
  const longAgo = () => someRequest({ submitted_at: new Date(Date.now() - 3_000).toISOString() });

  it('is shown as it ended, and listed so from then on', async () => {
    const api = await system.startApi();
    const request = longAgo();
    await system.storeJob(request);
    await system.publish(queuedEvent(request));
    await untilListed(api, request.job_id, 'queued');
    await system.storeJob(request, completedOutcome(request));
    const result = await api.ask(`/results/${request.job_id}`);
    expect(result.json).toMatchObject({ code: 'result_gone' });
    await untilListed(api, request.job_id, 'completed');
    expect((await api.ask(`/status/${request.job_id}`)).json).toMatchObject({ status: 'completed' });
  });

  it('ends the long polls for it', async () => {
    const api = await system.startApi();
    const request = longAgo();
    await system.storeJob(request);
    await system.publish(queuedEvent(request));
    await untilListed(api, request.job_id, 'queued');
    const waiting = api.ask(`/status/${request.job_id}?wait=1`);
    await system.storeJob(request, failedOutcome(request));
    expect((await waiting).json).toMatchObject({ status: 'failed' });
  });

  it('is shown from the log just after a change, or while the store is unavailable', async () => {
    const outcomes: string[] = [];
    const store = {
      get: (key: string) => {
        outcomes.push(key);
        return Promise.reject(new StoreUnavailable('The store is unavailable.'));
      },
      list: () => system.store.list('nothing'),
    };
    const followed = new FollowedJobs(10);
    const [fresh, old] = [someRequest(), longAgo()];
    for (const request of [fresh, old]) followed.queued(request);
    for (const request of [fresh, old]) {
      expect(await readStatus(request.job_id, { followed, store, unlessUnavailable })).toMatchObject({
        state: 'queued',
      });
    }
    expect(outcomes).toEqual([outcomeKey(old.job_id, 1)]);
  });

  it('is shown from the log within a second while the store accepts calls but does not respond', async () => {
    const store = new SlowStore(system.store, 0);
    store.hang(15_000);
    const followed = new FollowedJobs(10);
    const replayed = { ...longAgo(), run: 2 };
    followed.queued(replayed);
    const askedAt = performance.now();
    const view = await readStatus(replayed.job_id, { followed, store, unlessUnavailable });
    expect(view).toMatchObject({ state: 'queued', earlierRuns: [] });
    expect(performance.now() - askedAt).toBeLessThan(900);
    expect(store.calls).toBe(1);
  });
});

describe('waiting for the end of a job', () => {
  it('holds the response until the job ends', async () => {
    const api = await system.startApi();
    const request = someRequest();
    await system.storeJob(request);
    const waiting = api.ask(`/status/${request.job_id}?wait=60`);
    await system.publish(started(request));
    const outcome = completedOutcome(request);
    await system.storeJob(request, outcome);
    await system.publish(endedEvent(request, outcome));
    expect((await waiting).json).toMatchObject({ status: 'completed' });
  });

  it('responds with the current status when the time is over', async () => {
    const api = await system.startApi();
    const request = someRequest();
    await system.storeJob(request);
    const startedAt = performance.now();
    expect((await api.ask(`/status/${request.job_id}?wait=1`)).json).toMatchObject({ status: 'queued' });
    expect(performance.now() - startedAt).toBeGreaterThan(990);
  });

  it('responds at once for an ended job and for an unknown one', async () => {
    const api = await system.startApi();
    const request = someRequest();
    await system.storeJob(request, completedOutcome(request));
    expect((await api.ask(`/status/${request.job_id}?wait=60`)).json).toMatchObject({ status: 'completed' });
    expect((await api.ask(`/status/${someRequest().job_id}?wait=60`)).status).toBe(404);
  });

  it('ends with the current status when the API stops', async () => {
    const api = await system.startApi();
    const request = someRequest();
    await system.storeJob(request);
    const waiting = api.ask(`/status/${request.job_id}?wait=60`);
    await expect.poll(async () => (await api.ask('/livez')).status).toBe(200);
    await api.stop();
    expect((await waiting).json).toMatchObject({ status: 'queued' });
  });

  it('leaves nothing behind and reads nothing more when hundreds of clients hang up at once', async () => {
    const request = someRequest();
    await system.storeJob(request);
    let reads = 0;
    const store = {
      get: (key: string) => system.store.get(key),
      list: (prefix: string) => {
        reads++;
        return system.store.list(prefix);
      },
    };
    const followed = new FollowedJobs(10);
    const stopping = new AbortController();
    const before = process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
    const clients = Array.from({ length: 500 }, () => new AbortController());
    const waits = clients.map(({ signal }) =>
      awaitStatus(
        request.job_id,
        60_000,
        { gone: signal, stopping: stopping.signal },
        { followed, store, unlessUnavailable },
      ),
    );
    await expect.poll(() => reads).toBe(500);
    expect(followed.ends.listenerCount(request.job_id)).toBe(500);
    for (const client of clients) client.abort();
    const ends = await Promise.allSettled(waits);
    expect(ends.filter(({ status }) => status === 'rejected')).toHaveLength(500);
    expect([reads, followed.ends.eventNames()]).toEqual([500, []]);
    const after = process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
    expect(after - before).toBeLessThan(10);
  });

  it('does not delay others when hundreds of connections are cut at once', async () => {
    const api = await system.startApi();
    const request = someRequest();
    await system.storeJob(request);
    const clients = await Promise.all(Array.from({ length: 300 }, () => RawClient.to(api.port)));
    for (const client of clients) {
      await client.send(`GET /status/${request.job_id}?wait=60 HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    }
    expect((await api.ask('/livez')).status).toBe(200);
    expect(clients.filter(({ received }) => received !== '')).toEqual([]);
    for (const client of clients) client.abort();
    expect((await api.ask(`/status/${request.job_id}`)).json).toMatchObject({ status: 'queued' });
  });

  it.each(['61', '-1', '1.5', 'soon', ''])('refuses "%s" seconds', async (wait) => {
    const api = await system.startApi();
    expect((await api.ask(`/status/${someRequest().job_id}?wait=${wait}`)).json).toMatchObject({
      code: 'invalid_parameter',
      parameter: 'wait',
    });
  });
});
