import type { JobRequest } from '@image-pipeline/shared/contracts/job.ts';
import type { Outcome } from '@image-pipeline/shared/contracts/outcome.ts';
import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { originalKey, requestKey, retentionTurnsPrefix } from '@image-pipeline/shared/store/keys.ts';
import { v7 as uuidv7 } from 'uuid';
import { expect, it } from 'vitest';
import { completedOutcome, failedOutcome, lifeOf, someRequest } from '../../testing/job-life.ts';
import { setUpSystem } from '../../testing/test-system.ts';

const HOUR_MS = 3_600_000;
const webhook = { callback_url: 'https://example.com/hook' };
const system = setUpSystem({ lifetime: 'test' });

it.each(['status', 'results', 'originals', 'thumbnail'])('/%s of a removed job is 410', async (path) => {
  const old = await storedJob(3);
  const kept = await storedJob(1);
  const api = await system.startApi({ RETENTION: '2h' });
  await expect.poll(() => system.store.stat(requestKey(old, 1)), { timeout: 20_000 }).toBeUndefined();
  await expect.poll(() => system.store.stat(originalKey(old))).toBeUndefined();
  expect(await api.ask(`/${path}/${old}`)).toMatchObject({
    status: 410,
    json: {
      code: 'job_removed',
      detail: 'This job was removed or never existed. Jobs are removed 2 h after they end (RETENTION).',
    },
  });
  expect((await api.ask(`/status/${kept}`)).status).toBe(200);
  expect(await api.ask(`/${path}/${uuidv7()}`)).toMatchObject({
    status: 404,
    json: { code: 'job_not_found' },
  });
  const jobs = (await api.ask('/jobs')).json;
  expect(JSON.stringify(jobs)).toContain(kept);
  expect(JSON.stringify(jobs)).not.toContain(old);
});

it('/jobs and /status show an old job that is kept', async () => {
  const [removed, kept] = [await storedJob(3), await storedJob(3, failedOutcome)];
  const api = await system.startApi({ RETENTION: '2h' });
  await expect.poll(() => system.store.stat(requestKey(removed, 1)), { timeout: 20_000 }).toBeUndefined();
  const listed = async () => JSON.stringify((await api.ask('/jobs')).json);
  await expect.poll(listed, { timeout: 20_000 }).toContain(kept);
  expect(await listed()).not.toContain(removed);
  expect((await api.ask(`/status/${kept}`)).status).toBe(200);
});

it('keeps a job whose webhook still waits in the queue, however old, and removes it if there is none', async () => {
  const waiting = await storedJob(9 * 24, completedOutcome, webhook);
  await expect.poll(waitingWebhooks).toBe(1);
  await turnEnds(0);
  expect(await system.store.stat(requestKey(waiting, 1))).toBeDefined();
  const [message] = await system.take(queueNames.webhooks);
  expect(message).toBeDefined();
  await turnEnds(0);
  expect(await system.store.stat(requestKey(waiting, 1))).toBeUndefined();
});

it('keeps a job whose webhook is being delivered', async () => {
  const delivering = await storedJob(9 * 24, completedOutcome, webhook);
  await expect.poll(waitingWebhooks).toBe(1);
  const held = await system.consume(queueNames.webhooks, () => Promise.resolve('keep'), { prefetch: 1 });
  await expect.poll(waitingWebhooks).toBe(0);
  await turnEnds();
  expect(await system.store.stat(requestKey(delivering, 1))).toBeDefined();
  await held.stop(0);
  await expect.poll(waitingWebhooks).toBe(1);
});

it('keeps everything unless RETENTION is set', async () => {
  const old = await storedJob(100_000);
  const api = await system.startApi();
  expect((await api.ask(`/status/${old}`)).status).toBe(200);
  expect((await api.ask(`/status/${uuidv7({ msecs: 0 })}`)).status).toBe(404);
});

const waitingWebhooks = async () => (await system.broker.queues.inspect(queueNames.webhooks)).ready;

/** Another turn, from its beginning to its end. @param webhookDeliveryMs default: the real one */
async function turnEnds(webhookDeliveryMs?: number): Promise<void> {
  for await (const { key } of system.store.list(retentionTurnsPrefix)) await system.store.remove(key);
  // Images without a job are removed after all jobs.
  const last = originalKey(uuidv7({ msecs: Date.now() - 3 * HOUR_MS }));
  await system.store.put(last, Buffer.from('original'));
  await system.startApi({ RETENTION: '2h' }, webhookDeliveryMs === undefined ? {} : { webhookDeliveryMs });
  await expect.poll(() => system.store.stat(last), { timeout: 20_000 }).toBeUndefined();
}

/** The id of a job in store and event log that ended so many hours ago. */
async function storedJob(
  hours: number,
  end: (request: JobRequest) => Outcome = completedOutcome,
  changes: Partial<JobRequest> = {},
): Promise<string> {
  const ended = Date.now() - hours * HOUR_MS;
  const at = new Date(ended).toISOString();
  const request = someRequest({ ...changes, job_id: uuidv7({ msecs: ended }), submitted_at: at });
  const outcome = end(request);
  const timeline = outcome.timeline.map((entry) => ({ ...entry, at }));
  const past = { ...outcome, finished_at: at, timeline };
  await system.storeJob(request, past);
  await system.store.put(originalKey(request.job_id), Buffer.from('original'));
  await system.publish(...lifeOf(request, past));
  return request.job_id;
}
