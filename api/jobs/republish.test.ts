import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { queuedEvent } from '@image-pipeline/shared/contracts/event.ts';
import type { JobRequest } from '@image-pipeline/shared/contracts/job.ts';
import { requestKey } from '@image-pipeline/shared/store/keys.ts';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { TOKEN } from '../../testing/api-client.ts';
import { completedOutcome, someRequest } from '../../testing/job-life.ts';
import { someSnapshot } from '../../testing/some-snapshot.ts';
import { setUpSystem, type TestApi } from '../../testing/test-system.ts';

const system = setUpSystem({ lifetime: 'test' });

describe('POST /jobs/republish', () => {
  it('publishes the unaccounted jobs again, once', async () => {
    const [lost, alsoLost] = await storedJobs(2);
    const api = await startApi([lost, alsoLost]);
    const response = await republish(api, { all: true });
    expect(response).toMatchObject({
      status: 200,
      json: { dry_run: false, republished: 2, jobs: [{ republished: true }, { republished: true }] },
    });
    expect((await republish(api, { all: true })).json).toMatchObject({ republished: 0 });
    const messages = await system.take(queueNames.process, 2);
    expect(messages.map(({ correlationId }) => correlationId)).toEqual([lost.job_id, alsoLost.job_id]);
    expect(messages[0]).toMatchObject({ deliveryNumber: 2, headers: { 'x-run': 1, 'x-attempt': 1 } });
    expect((await system.broker.queues.inspect(queueNames.process)).ready).toBe(0);
  });

  it('publishes the chosen ones only, and none that has a message or has ended', async () => {
    const [lost, other, queued] = await storedJobs(3);
    const ended = someRequest();
    await system.storeJob(ended, completedOutcome(ended));
    const api = await startApi([lost, other, ended]);
    const ids = [lost.job_id.toUpperCase(), queued.job_id, ended.job_id];
    expect((await republish(api, { ids })).json).toMatchObject({
      republished: 1,
      jobs: [
        { job_id: lost.job_id, republished: true },
        { job_id: queued.job_id, status: 'queued', republished: false },
        { job_id: ended.job_id, status: 'completed', republished: false },
      ],
    });
  });

  it('publishes the others of all if a record of one is damaged', async () => {
    const [damaged, lost] = await storedJobs(2);
    await system.store.put(requestKey(damaged.job_id, 1), Buffer.from('{'));
    const api = await startApi([damaged, lost]);
    const { json } = await republish(api, { all: true });
    expect(json).toMatchObject({ republished: 1, jobs: [{ job_id: lost.job_id, republished: true }] });
  });

  it('publishes each once for two calls at the same time', async () => {
    const [lost, alsoLost] = await storedJobs(2);
    const api = await startApi([lost, alsoLost]);
    const calls = await Promise.all([republish(api, { all: true }), republish(api, { all: true })]);
    const counts = calls.map(({ json }) => (json as { republished: number }).republished);
    expect(counts.reduce((sum, count) => sum + count)).toBe(2);
    expect((await system.broker.queues.inspect(queueNames.process)).ready).toBe(2);
  });

  it('publishes nothing in a dry run', async () => {
    const [lost] = await storedJobs(1);
    const api = await startApi([lost]);
    const preview = { dry_run: true, republished: 1, jobs: [{ job_id: lost.job_id, republished: true }] };
    expect((await republish(api, { all: true, dry_run: true })).json).toMatchObject(preview);
    expect((await system.broker.queues.inspect(queueNames.process)).ready).toBe(0);
  });

  it.each<[unknown, string]>([
    [{}, 'invalid_parameter'],
    [{ all: true, ids: ['a'] }, 'invalid_parameter'],
    [{ all: false }, 'invalid_parameter'],
    [{ ids: [] }, 'invalid_parameter'],
    [{ all: true, force: true }, 'invalid_parameter'],
    [{ ids: ['nobody'] }, 'job_not_found'],
  ])('refuses %j: %s', async (body, code) => {
    const api = await startApi([]);
    expect((await republish(api, body)).json).toMatchObject({ code });
  });

  it('refuses without the token, and while the ledger is unknown', async () => {
    const api = await system.startApi({ API_TOKEN: TOKEN });
    expect((await republish(api, { all: true }, 'another')).json).toMatchObject({ code: 'unauthorized' });
    expect((await republish(api, { all: true })).json).toMatchObject({
      code: 'not_caught_up',
      detail: expect.stringContaining('monitoring service') as unknown,
    });
  });
});

/** Jobs with a request and without a message. */
async function storedJobs(count: 1 | 2 | 3) {
  const requests = Array.from({ length: count }, () => someRequest());
  for (const request of requests) {
    await system.storeJob(request);
    await system.publish(queuedEvent(request));
  }
  return requests as [JobRequest, JobRequest, JobRequest];
}

/** An API whose monitoring service lists these jobs as lost. */
async function startApi(lost: readonly JobRequest[]): Promise<TestApi> {
  const lost_jobs = lost.map(({ job_id, run }) => ({ job_id, run }));
  const snapshot = someSnapshot();
  const ledger = snapshot.ledger === null ? null : { ...snapshot.ledger, lost_jobs };
  const monitoring = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ ...snapshot, ledger }));
  });
  monitoring.listen(0, '127.0.0.1');
  await once(monitoring, 'listening');
  system.onTestEnd(async () => {
    monitoring.closeAllConnections();
    monitoring.close();
    await once(monitoring, 'close');
  });
  const address = monitoring.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const api = await system.startApi({
    API_TOKEN: TOKEN,
    MONITORING_URL: `http://127.0.0.1:${address.port}`,
  });
  await expect
    .poll(async () => (await republish(api, { all: true, dry_run: true })).status, { timeout: 10_000 })
    .toBe(200);
  return api;
}

const republish = (api: TestApi, body: unknown, token = TOKEN) =>
  api.ask('/jobs/republish', {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  });
