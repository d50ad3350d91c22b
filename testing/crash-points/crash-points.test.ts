import { createHash } from 'node:crypto';
import type { OutgoingMessage } from '@image-pipeline/shared/broker/publisher.ts';
import { exchangeNames, queueNames, routingKeys } from '@image-pipeline/shared/broker/topology.ts';
import type { JobRequest } from '@image-pipeline/shared/contracts/job.ts';
import { originalKey, requestKey } from '@image-pipeline/shared/store/keys.ts';
import { jsonBody } from '@image-pipeline/shared/store/read-object.ts';
import { someRequest } from '../job-life.ts';
import { describe, expect, it } from 'vitest';
import { CORRUPTED_IMAGE, endOf, GOOD_IMAGE, listedJobs, uploadImage } from '../uploads.ts';
import { setUpCrashSystem, type CrashPoint } from './crash-system.ts';

const COMPLETED = { requests: 1, outcomes: 1, results: 1, thumbnails: 1, deadLetters: 0 };
const FAILED = { requests: 1, outcomes: 1, results: 0, thumbnails: 0, deadLetters: 1 };
const AT_REST = { timeout: 15_000, interval: 500 };

const system = setUpCrashSystem();

const storedRequests = async () =>
  (await Array.fromAsync(system.store.list('jobs/'))).filter(({ key }) => key.endsWith('/request.json'))
    .length;
const untilAtRest = () => expect.poll(() => system.messagesInFlight(), AT_REST).toEqual({});

describe('an API that dies during an upload', () => {
  it.each<CrashPoint>([
    'api after put originals/',
    'api before putIfAbsent idempotency/',
    'api after putIfAbsent idempotency/',
    'api before putIfAbsent /request.json',
    'api after putIfAbsent /request.json',
    'api before publish image.jobs/',
    'api after publish image.jobs/',
    'api before publish image.events/job.queued',
  ])('%s: a retry with the same key returns the same job, which ends once', async (point) => {
    const before = await storedRequests();
    const key = crypto.randomUUID();
    await system.arm(point);
    const first = await uploadImage(system.api, GOOD_IMAGE, key).catch(() => undefined);
    await system.afterCrash();
    const jobId = await uploadImage(system.api, GOOD_IMAGE, key);
    if (first !== undefined) expect(jobId).toBe(first);
    expect(await endOf(system.api, jobId)).toMatchObject({ status: 'completed', run: 1 });
    await untilAtRest();
    expect(await system.objectsOf(jobId)).toEqual(COMPLETED);
    expect(await storedRequests()).toBe(before + 1);
    expect((await listedJobs(system.api)).filter((listed) => listed === jobId)).toHaveLength(1);
  });

  it('shows nothing of an upload that was not published', async () => {
    const before = await listedJobs(system.api);
    await system.arm('api before publish image.jobs/');
    await expect(uploadImage(system.api, GOOD_IMAGE)).rejects.toThrow();
    await system.afterCrash();
    await untilAtRest();
    expect(await listedJobs(system.api)).toEqual(before);
  });
});

describe('a worker that dies during a job', () => {
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
    await system.arm(point);
    const jobId = await uploadImage(system.api, GOOD_IMAGE);
    await system.afterCrash();
    expect(await endOf(system.api, jobId)).toMatchObject({ status: 'completed', run: 1 });
    await untilAtRest();
    expect(await system.objectsOf(jobId)).toEqual(COMPLETED);
  });

  it.each<CrashPoint>([
    'worker before putIfAbsent /outcome.json',
    'worker after putIfAbsent /outcome.json',
    'worker after publish image.events/job.failed',
  ])('%s: a job that cannot succeed fails once', async (point) => {
    await system.arm(point);
    const jobId = await uploadImage(system.api, CORRUPTED_IMAGE);
    await system.afterCrash();
    expect(await endOf(system.api, jobId)).toMatchObject({ status: 'failed', run: 1 });
    await untilAtRest();
    expect(await system.objectsOf(jobId)).toEqual(FAILED);
  });

  it.each<CrashPoint>([
    'worker before publish image.retry/',
    'worker after publish image.retry/',
    'worker before publish image.events/job.retrying',
    'worker after publish image.events/job.retrying',
  ])('%s: a job that is retried ends once', async (point) => {
    await system.arm(point);
    const { job_id } = await submitDamaged();
    await system.afterCrash();
    expect(await endOf(system.api, job_id)).toMatchObject({ status: 'failed', run: 1 });
    await untilAtRest();
    expect(await system.objectsOf(job_id)).toEqual(FAILED);
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
  ])('%s: a run that no worker ended fails once, and has one dead letter', async (point) => {
    await system.arm(point);
    const request = await submitDamaged({
      exchange: exchangeNames.deadLetters,
      routingKey: routingKeys.deadJob,
      headers: { 'x-death': [{ reason: 'delivery_limit', queue: queueNames.process }] },
    });
    await system.afterCrash();
    await untilAtRest();
    expect(await endOf(system.api, request.job_id)).toMatchObject({ status: 'failed', run: 1 });
    expect(await system.objectsOf(request.job_id)).toEqual(FAILED);
  });
});

/** A job whose original is damaged: every attempt fails with a transient error. */
async function submitDamaged(
  target: Pick<OutgoingMessage, 'exchange' | 'routingKey' | 'headers'> = {
    exchange: exchangeNames.jobs,
    routingKey: routingKeys.process,
  },
): Promise<JobRequest> {
  const bytes = Buffer.from('uploaded');
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const request = someRequest();
  const damaged = { ...request, original: { ...request.original, size: bytes.length, sha256 } };
  await system.store.put(originalKey(request.job_id), Buffer.from('damaged!'));
  await system.store.putIfAbsent(requestKey(request.job_id, 1), jsonBody(damaged));
  await system.broker.publisher.publish({
    ...target,
    body: { ...damaged, history: [] },
    messageId: `${request.job_id}/1/1`,
    correlationId: request.job_id,
    type: 'job',
    contentType: 'application/json',
    headers: { 'x-run': 1, 'x-attempt': 1, ...target.headers },
  });
  return damaged;
}
