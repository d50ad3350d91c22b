import { createHash } from 'node:crypto';
import { exchangeNames, routingKeys } from '@image-pipeline/shared/broker/topology.ts';
import type { JobRequest } from '@image-pipeline/shared/contracts/job.ts';
import { originalKey, requestKey } from '@image-pipeline/shared/store/keys.ts';
import { jsonBody } from '@image-pipeline/shared/store/read-object.ts';
import { collect } from '../collect.ts';
import { someRequest } from '../job-life.ts';
import { describe, expect, it } from 'vitest';
import type { CrashPoint } from './armed-system.ts';
import { corruptedImage, endOf, goodImage, listedJobs, send, sendOnce } from './client.ts';
import { givenSystem } from './given-system.ts';
import { messagesUnderWay, tracesOf } from './traces.ts';

const COMPLETED = { requests: 1, outcomes: 1, results: 1, thumbnails: 1, deadLetters: 0 };
const FAILED = { requests: 1, outcomes: 1, results: 0, thumbnails: 0, deadLetters: 1 };
const PATIENCE = { timeout: 15_000, interval: 500 };

const given = givenSystem();

const requestsStored = async () =>
  (await collect(given.store.list('jobs/'))).filter(({ key }) => key.endsWith('/request.json')).length;

/** Nothing waits, and no message is unacknowledged. */
async function untilAtRest(): Promise<void> {
  await expect.poll(() => messagesUnderWay(given.system.node), PATIENCE).toEqual({});
}

describe('an api that dies in the middle of an upload', () => {
  it.each<CrashPoint>([
    'api after put originals/',
    'api before putIfAbsent idempotency/',
    'api after putIfAbsent idempotency/',
    'api before putIfAbsent /request.json',
    'api after putIfAbsent /request.json',
    'api before publish image.jobs/',
    'api after publish image.jobs/',
    'api before publish image.events/job.queued',
  ])('%s: the same key gives one job, which ends once', async (point) => {
    const { apiUrl } = given.system;
    const before = await requestsStored();
    const key = crypto.randomUUID();
    await given.system.arm(point);
    const first = await send(apiUrl, goodImage, key);
    await given.system.afterCrash();
    const jobId = (await send(apiUrl, goodImage, key)) ?? '';
    if (first !== undefined) expect(jobId).toBe(first);
    expect(await endOf(apiUrl, jobId)).toMatchObject({ status: 'completed', run: 1 });
    await untilAtRest();
    expect(await tracesOf(given.store, jobId)).toEqual(COMPLETED);
    expect(await requestsStored()).toBe(before + 1);
    expect((await listedJobs(apiUrl)).filter((listed) => listed === jobId)).toHaveLength(1);
  });

  it('shows nothing of an upload that was not published', async () => {
    const { apiUrl } = given.system;
    const before = await listedJobs(apiUrl);
    await given.system.arm('api before publish image.jobs/');
    expect(await send(apiUrl, goodImage, crypto.randomUUID())).toBeUndefined();
    await given.system.afterCrash();
    await untilAtRest();
    expect(await listedJobs(apiUrl)).toEqual(before);
  });
});

describe('a worker that dies in the middle of a job', () => {
  it.each<CrashPoint>([
    'worker before publish image.events/job.started',
    'worker after get originals/',
    'worker before put results/',
    'worker after put results/',
    'worker after put thumbnails/',
    'worker before putIfAbsent /outcome.json',
    'worker after putIfAbsent /outcome.json',
    'worker before publish image.events/job.completed',
    'worker after publish image.events/job.completed',
  ])('%s: the job completes once', async (point) => {
    await given.system.arm(point);
    const jobId = await sendOnce(given.system.apiUrl, goodImage);
    await given.system.afterCrash();
    expect(await endOf(given.system.apiUrl, jobId)).toMatchObject({ status: 'completed', run: 1 });
    await untilAtRest();
    expect(await tracesOf(given.store, jobId)).toEqual(COMPLETED);
  });

  it.each<CrashPoint>([
    'worker before putIfAbsent /outcome.json',
    'worker after putIfAbsent /outcome.json',
    'worker after publish image.events/job.failed',
  ])('%s: a job that cannot be done fails once', async (point) => {
    await given.system.arm(point);
    const jobId = await sendOnce(given.system.apiUrl, corruptedImage);
    await given.system.afterCrash();
    expect(await endOf(given.system.apiUrl, jobId)).toMatchObject({ status: 'failed', run: 1 });
    await untilAtRest();
    expect(await tracesOf(given.store, jobId)).toEqual(FAILED);
  });

  it.each<CrashPoint>([
    'worker before publish image.retry/',
    'worker after publish image.retry/',
    'worker before publish image.events/job.retrying',
    'worker after publish image.events/job.retrying',
  ])('%s: a job that is tried again ends once', async (point) => {
    await given.system.arm(point);
    const { job_id } = await submitDamaged();
    await given.system.afterCrash();
    expect(await endOf(given.system.apiUrl, job_id)).toMatchObject({ status: 'failed', run: 1 });
    await untilAtRest();
    expect(await tracesOf(given.store, job_id)).toEqual(FAILED);
  });
});

describe('a DLQ recorder that dies while it records a dead letter', () => {
  it.each<CrashPoint>([
    'api before putIfAbsent /outcome.json',
    'api after putIfAbsent /outcome.json',
    'api before putIfAbsent dead/',
    'api after putIfAbsent dead/',
    'api before publish image.events/job.failed',
    'api after publish image.events/job.failed',
  ])('%s: a run that no worker ended fails once, and lies dead once', async (point) => {
    await given.system.arm(point);
    const request = await submitDamaged(exchangeNames.deadLetters, routingKeys.deadJob);
    await given.system.afterCrash();
    await untilAtRest();
    expect(await endOf(given.system.apiUrl, request.job_id)).toMatchObject({ status: 'failed', run: 1 });
    expect(await tracesOf(given.store, request.job_id)).toEqual(FAILED);
  });
});

/** A job whose original is not what was uploaded: every attempt fails in a way that might pass. */
async function submitDamaged(
  exchange: string = exchangeNames.jobs,
  routingKey: string = routingKeys.process,
): Promise<JobRequest> {
  const bytes = Buffer.from('uploaded');
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const request = someRequest();
  const damaged = { ...request, original: { ...request.original, size: bytes.length, sha256 } };
  await given.store.put(originalKey(request.job_id), Buffer.from('damaged!'));
  await given.store.putIfAbsent(requestKey(request.job_id, 1), jsonBody(damaged));
  await given.broker.publisher.publish({
    exchange,
    routingKey,
    body: { ...damaged, history: [] },
    messageId: `${request.job_id}/1/1`,
    correlationId: request.job_id,
    type: 'job',
    contentType: 'application/json',
    headers: { 'x-run': 1, 'x-attempt': 1 },
  });
  return damaged;
}
