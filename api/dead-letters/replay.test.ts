import { deadLetterSchema } from '@image-pipeline/shared/contracts/dead-letter.ts';
import { deadKey, replayPlanKey } from '@image-pipeline/shared/store/keys.ts';
import { readJson } from '@image-pipeline/shared/store/read-object.ts';
import { someRequest } from '../../testing/job-life.ts';
import { v7 as uuidv7 } from 'uuid';
import { describe, expect, it, vi } from 'vitest';
import { setUpSystem } from '../../testing/test-system.ts';
import { setUpDeadLetters } from '../../testing/dead-letters.ts';

const system = setUpSystem();
const dead = setUpDeadLetters(system);

const idsOf = (requests: readonly { job_id: string }[]) => requests.map(({ job_id }) => job_id);

describe('a replay of dead letters', () => {
  it('replays one job as its second run, and removes its message from the queue', async () => {
    const api = await dead.startApi();
    const [first, chosen, last] = await dead.failedJobs(3);
    if (!first || !chosen || !last) throw new Error('no jobs');
    await dead.startFakeWorker(() => 'hangs');
    const started = await api.replay({ ids: [chosen.job_id.toUpperCase()] });
    expect(started.status).toBe(202);
    expect(started.json).toMatchObject({ total: 1, matching: 1 });
    const { status_url } = started.json as { status_url: string };
    expect(started.headers.get('location')).toBe(status_url);
    await vi.waitFor(async () =>
      expect((await api.ask(`/status/${chosen.job_id}`)).json).toMatchObject({
        status: 'queued',
        run: 2,
        runs: [{ run: 1, status: 'failed', error: { code: 'undecodable_image' } }],
      }),
    );
    expect((await api.ask('/jobs?status=queued')).json).toMatchObject({
      jobs: [{ job_id: chosen.job_id, run: 2 }],
    });
    // A replica that knows only the store returns the same.
    const forgetful = await dead.startApi({}, { eventsReplayed: 1 });
    expect((await forgetful.ask(`/status/${chosen.job_id}`)).json).toMatchObject({
      status: 'queued',
      run: 2,
      runs: [{ run: 1, status: 'failed' }],
    });
    expect((await api.ask('/dlq/stats')).json).toMatchObject({ count: 2 });
    await dead.untilInQueue([first, last]);
    await vi.waitFor(async () =>
      expect((await api.ask(status_url)).json).toMatchObject({
        state: 'running',
        replayed: 1,
        remaining: 0,
        jobs: [{ job_id: chosen.job_id, run: 2, state: 'replayed' }],
      }),
    );
  });

  it('continues with all others when the first has completed', async () => {
    const api = await dead.startApi();
    const jobs = await dead.failedJobs(25);
    const runs = await dead.startFakeWorker(() => 'completed');
    const started = await api.replay({ all: true });
    expect(await dead.untilEnded(api, started)).toMatchObject({
      state: 'done',
      total: 25,
      replayed: 25,
      completed: 25,
      failed: 0,
      remaining: 0,
      finished_at: expect.any(String) as unknown,
    });
    expect(runs.toSorted()).toEqual(idsOf(jobs).map((id) => `${id}/2`));
    const status = await api.ask(`/status/${jobs[7]?.job_id ?? ''}?wait=5`);
    expect(status.json).toMatchObject({ status: 'completed', run: 2, runs: [{ status: 'failed' }] });
    expect((await api.ask('/dlq/stats')).json).toMatchObject({ count: 0 });
    await dead.untilInQueue([]);
  });

  it('stops at its first job if that one fails again; the others stay in the DLQ', async () => {
    const api = await dead.startApi();
    const jobs = await dead.failedJobs(5);
    const runs = await dead.startFakeWorker(() => 'failed');
    const ended = await dead.untilEnded(api, await api.replay({ all: true }));
    const [canary] = jobs;
    expect(ended).toMatchObject({
      state: 'stopped',
      reason: `job ${canary?.job_id ?? ''} failed again in run 2 (undecodable_image)`,
      replayed: 1,
      failed: 1,
      remaining: 4,
      jobs: jobs.map(({ job_id }, index) => ({ job_id, state: index === 0 ? 'failed' : 'dead' })),
    });
    expect(runs).toEqual([`${canary?.job_id ?? ''}/2`]);
    await vi.waitFor(async () =>
      expect((await api.ask('/dlq/messages')).json).toMatchObject({
        messages: jobs.map(({ job_id }, index) => ({ job_id, run: index === 0 ? 2 : 1 })),
      }),
    );
    // The message of its second run came last; that of its first run is gone.
    await dead.untilInQueue([...jobs.slice(1), ...jobs.slice(0, 1)]);
    // A new replay begins with a job that has not failed twice.
    const preview = await api.replay({ all: true, dry_run: true, limit: 1 });
    expect(preview.json).toMatchObject({ matching: 5, total: 1, jobs: [{ job_id: jobs[1]?.job_id }] });
  });

  it('stops when a later job fails again; jobs in flight run to their end', async () => {
    const api = await dead.startApi();
    const jobs = await dead.failedJobs(40);
    const bad = jobs[3]?.job_id;
    const runs = await dead.startFakeWorker(({ job_id }) => (job_id === bad ? 'failed' : 'completed'));
    const ended = await dead.untilEnded(api, await api.replay({ all: true }));
    expect(ended).toMatchObject({ state: 'stopped', failed: 1 });
    const { remaining, completed } = ended as { remaining: number; completed: number };
    expect(remaining).toBeGreaterThan(0);
    expect(remaining + completed).toBe(39);
    expect(runs).toHaveLength(completed + 1);
  });

  it('stops when its canary does not end in time', async () => {
    const api = await dead.startApi({}, { replayTimeoutMs: 300 });
    await dead.failedJobs(2);
    await dead.startFakeWorker(() => 'hangs');
    expect(await dead.untilEnded(api, await api.replay({ all: true }))).toMatchObject({
      state: 'stopped',
      reason: expect.stringContaining('did not end in time') as unknown,
      replayed: 1,
      remaining: 1,
    });
  });

  it('only returns what it would do as a dry run', async () => {
    const api = await dead.startApi();
    const [one, other] = await dead.failedJobs(2);
    const [blurred] = await dead.failedJobs(1, { operations: [{ type: 'filter', name: 'sepia' }] });
    const before = await system.storedKeys();
    const all = await api.replay({ all: true, dry_run: true, limit: 2 });
    expect(all.status).toBe(200);
    expect(all.json).toMatchObject({
      dry_run: true,
      matching: 3,
      total: 2,
      jobs: [{ job_id: one?.job_id }, { job_id: other?.job_id }],
    });
    const some = await api.replay({ filter: { operation: 'filter' }, dry_run: true });
    expect(some.json).toMatchObject({ matching: 1, jobs: [{ job_id: blurred?.job_id }] });
    const none = await api.replay({ filter: { reason: 'workers_died' } });
    expect([none.status, none.json]).toEqual([200, { dry_run: false, matching: 0, total: 0, jobs: [] }]);
    expect((await api.ask('/dlq/stats')).json).toMatchObject({ count: 3 });
    expect(await system.storedKeys()).toEqual(before);
  });

  it('refuses another replay while it runs', async () => {
    const api = await dead.startApi();
    const [one, other] = await dead.failedJobs(2);
    await dead.startFakeWorker(() => 'hangs');
    const started = await api.replay({ ids: [one?.job_id] });
    const refused = await api.replay({ ids: [other?.job_id] });
    expect(refused.status).toBe(409);
    const { replay_id } = started.json as { replay_id: string };
    expect(refused.json).toMatchObject({ code: 'replay_running', replay_id });
  });

  it('is refused as a whole if one id is unknown or not in the DLQ', async () => {
    const api = await dead.startApi();
    const [job] = await dead.failedJobs(1);
    const unknown = uuidv7();
    const missing = await api.replay({ ids: [job?.job_id, unknown] });
    expect(missing.status).toBe(404);
    expect(missing.json).toMatchObject({ code: 'job_not_found', job_id: unknown });
    const waiting = someRequest();
    await system.storeJob(waiting);
    const refused = await api.replay({ ids: [waiting.job_id, job?.job_id] });
    expect(refused.status).toBe(409);
    expect(refused.json).toMatchObject({ code: 'not_in_dlq', job_id: waiting.job_id, job_status: 'queued' });
    expect((await api.ask('/dlq/stats')).json).toMatchObject({ count: 1 });
  });

  it('is not possible for a message that was no job', async () => {
    const api = await dead.startApi();
    await system.deadLetter({ hello: 'world' });
    const { job_id } = await vi.waitFor(async () => {
      const { messages } = (await api.ask('/dlq/messages')).json as { messages: { job_id: string }[] };
      if (!messages[0]) throw new Error('not recorded yet');
      return messages[0];
    });
    const refused = await api.replay({ ids: [job_id] });
    expect(refused.status).toBe(409);
    expect(refused.json).toMatchObject({ code: 'not_replayable', job_id });
    expect((await api.replay({ all: true })).json).toMatchObject({ matching: 0 });
    expect((await dead.remove(api, `?id=${job_id}`)).json).toEqual({ removed: 1 });
    await dead.untilInQueue([]);
  });

  it('fails again if the original is missing', async () => {
    const api = await dead.startApi();
    const [job] = await dead.failedJobs(1);
    await dead.startFakeWorker(() => 'failed');
    await dead.untilEnded(api, await api.replay({ ids: [job?.job_id] }));
    const deadLetter = () => readJson(system.store, deadKey(job?.job_id ?? '', 2), deadLetterSchema);
    await vi.waitFor(async () => expect(await deadLetter()).toMatchObject({ state: 'dead' }));
    expect((await api.replay({ ids: [job?.job_id], dry_run: true })).json).toMatchObject({
      jobs: [{ run: 2 }],
    });
  });

  it.each([
    ['', 'invalid_parameter', 422, /exactly one of them; got none/],
    ['{', 'malformed_request', 400, /JSON/],
    [{ al: true }, 'invalid_parameter', 422, /^al: .*ids, filter, all, dry_run, limit/],
  ])('refuses the body %j', async (body, code, status, detail) => {
    const api = await dead.startApi();
    const response = await api.replay(body);
    expect(response.json).toMatchObject({ code, detail: expect.stringMatching(detail) as unknown });
    expect(response.status).toBe(status);
  });

  it('refuses a body that is too large', async () => {
    const api = await dead.startApi();
    const response = await api.replay({ ids: Array.from({ length: 4_000 }, () => uuidv7()) });
    expect(response.status).toBe(413);
    expect(response.json).toMatchObject({ code: 'body_too_large', limit: 131_072 });
  });

  it('is listed with its progress, the newest first', async () => {
    const api = await dead.startApi();
    await dead.startFakeWorker(() => 'completed');
    for (const { job_id } of await dead.failedJobs(2)) {
      await dead.untilEnded(api, await api.replay({ ids: [job_id] }));
    }
    const damaged = uuidv7();
    await system.store.put(replayPlanKey(damaged), Buffer.from('damaged'));
    const { replays } = (await api.ask('/dlq/replays')).json as { replays: { replay_id: string }[] };
    await system.store.remove(replayPlanKey(damaged));
    const ids = replays.map(({ replay_id }) => replay_id);
    expect(ids).toEqual(ids.toSorted().toReversed());
    expect(ids.length).toBeGreaterThanOrEqual(2);
    for (const replay of replays) {
      expect((await api.ask(`/dlq/replays/${replay.replay_id}`)).json).toEqual(replay);
    }
  });

  it('is 404 for an unknown id', async () => {
    const api = await dead.startApi();
    for (const id of [uuidv7(), 'x', '..%2f..']) {
      expect((await api.ask(`/dlq/replays/${id}`)).status).toBe(404);
    }
  });
});
