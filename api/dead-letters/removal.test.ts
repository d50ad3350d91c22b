import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { completedOutcome, failedOutcome, someRequest } from '../../testing/job-life.ts';
import { v7 as uuidv7 } from 'uuid';
import { describe, expect, it, vi } from 'vitest';
import { setUpSystem } from '../../testing/test-system.ts';
import { TOKEN } from '../../testing/api-client.ts';
import { setUpDeadLetters } from '../../testing/dead-letters.ts';

const system = setUpSystem();
const dead = setUpDeadLetters(system);

describe('a removal of dead letters', () => {
  it('removes the selected ones, and leaves the others in order', async () => {
    const api = await dead.startApi();
    const jobs = await dead.failedJobs(5);
    const gone = [jobs[1], jobs[3]].map((job) => job?.job_id ?? '');
    const removal = await dead.remove(api, `?id=${gone.join('&id=')}`);
    expect([removal.status, removal.json]).toEqual([200, { removed: 2 }]);
    expect((await api.ask('/dlq/stats')).json).toMatchObject({ count: 3 });
    await dead.untilInQueue(jobs.filter(({ job_id }) => !gone.includes(job_id)));
    expect((await api.ask(`/status/${gone[0] ?? ''}`)).json).toMatchObject({ status: 'failed', run: 1 });
    const again = await dead.remove(api, `?id=${gone[0] ?? ''}`);
    expect(again.status).toBe(409);
    expect(again.json).toMatchObject({
      code: 'not_in_dlq',
      job_status: 'failed',
      detail: expect.stringContaining('was removed') as unknown,
    });
  });

  it('removes all, and returns their number', async () => {
    const api = await dead.startApi();
    await dead.failedJobs(3);
    expect((await dead.remove(api, '?all=true')).json).toEqual({ removed: 3 });
    expect((await dead.remove(api, '?all=true')).json).toEqual({ removed: 0 });
    expect((await api.ask('/dlq/messages')).json).toMatchObject({ messages: [] });
    await dead.untilInQueue([]);
  });

  it('is refused as a whole if one id is unknown or not in the DLQ', async () => {
    const api = await dead.startApi();
    const [job] = await dead.failedJobs(1);
    const id = job?.job_id ?? '';
    const waiting = someRequest();
    await system.storeJob(waiting);
    expect((await dead.remove(api, `?id=${id}&id=${uuidv7()}`)).json).toMatchObject({
      code: 'job_not_found',
    });
    expect((await dead.remove(api, `?id=${id}&id=${waiting.job_id}`)).json).toMatchObject({
      code: 'not_in_dlq',
      job_status: 'queued',
    });
    expect((await api.ask('/dlq/stats')).json).toMatchObject({ count: 1 });
  });

  it('by two replicas at the same time removes both selections', async () => {
    const [one, other] = [await dead.startApi(), await dead.startApi()];
    const jobs = await dead.failedJobs(20);
    const half = (parity: number) => jobs.filter((_job, index) => index % 4 === parity);
    const query = (parity: number) =>
      `?${half(parity)
        .map(({ job_id }) => `id=${job_id}`)
        .join('&')}`;
    const removals = await Promise.all([dead.remove(one, query(0)), dead.remove(other, query(2))]);
    expect(removals.map(({ json }) => json)).toEqual([{ removed: 5 }, { removed: 5 }]);
    await dead.untilInQueue(jobs.filter((_job, index) => index % 2 === 1));
  });

  it('also removes a dead letter that arrives again later', async () => {
    const api = await dead.startApi();
    const [job, other] = await dead.failedJobs(2);
    if (!job || !other) throw new Error('no jobs');
    await dead.remove(api, `?id=${job.job_id}`);
    await dead.untilInQueue([other]);
    await system.deadLetter({ ...job, history: [] });
    await vi.waitFor(async () =>
      expect(await system.broker.queues.inspect(queueNames.dead)).toMatchObject({ ready: 2 }),
    );
    expect((await api.ask('/dlq/stats')).json).toMatchObject({ count: 1 });
    await dead.remove(api, `?id=${other.job_id}`);
    await dead.untilInQueue([]);
  });

  it('removes the message of a run that completed after all, and leaves one that is being recorded', async () => {
    const [done, beingRecorded] = [someRequest(), someRequest()];
    await system.storeJob(done, completedOutcome(done));
    await system.storeJob(beingRecorded, failedOutcome(beingRecorded));
    await system.deadLetter({ ...done, history: [] });
    await system.deadLetter({ ...beingRecorded, history: [] });
    await dead.startApi();
    await dead.untilInQueue([beingRecorded]);
  });

  it.each([
    ['', /send either/],
    ['?id=x&all=true', /both/],
    ['?all=yes', /all: must be true, but is "yes"/],
    ['?ids=x', /^ids: .*id, all/],
  ])('refuses the query %j', async (query, detail) => {
    const api = await dead.startApi();
    const response = await dead.remove(api, query);
    expect(response.status).toBe(422);
    expect(response.json).toMatchObject({ detail: expect.stringMatching(detail) as unknown });
  });
});

describe.each([
  ['DELETE', '/dlq/messages?all=true'],
  ['POST', '/dlq/replay'],
])('%s %s', (method, path) => {
  const ask = (api: Awaited<ReturnType<typeof dead.startApi>>, authorization?: string) =>
    api.ask(path, {
      method,
      ...(authorization === undefined ? {} : { headers: { authorization } }),
      ...(method === 'POST' ? { body: '{"all":true}' } : {}),
    });

  it('needs the token', async () => {
    const api = await dead.startApi();
    await dead.failedJobs(1);
    for (const [given, detail] of [
      [undefined, /Send the header/],
      [TOKEN, /Send the header/],
      ['Bearer another-token-of-somebody', /Invalid token/],
    ] as const) {
      const response = await ask(api, given);
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toBe('Bearer');
      expect(response.json).toMatchObject({ detail: expect.stringMatching(detail) as unknown });
    }
    expect((await api.ask('/dlq/stats')).json).toMatchObject({ count: 1 });
  });

  it('explains how to configure a token if there is none', async () => {
    const api = await dead.startApi({ API_TOKEN: '' });
    const response = await ask(api, 'Bearer ');
    expect(response.status).toBe(503);
    expect(response.json).toMatchObject({
      code: 'token_not_set',
      detail: expect.stringContaining('openssl rand -hex 32') as unknown,
    });
  });
});
