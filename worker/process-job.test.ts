import type { OutgoingMessage } from '@image-pipeline/shared/broker/publisher.ts';
import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import type { JobEvent } from '@image-pipeline/shared/contracts/event.ts';
import type { JobRequest } from '@image-pipeline/shared/contracts/job.ts';
import type { Outcome } from '@image-pipeline/shared/contracts/outcome.ts';
import { PermanentFailure, StoreUnavailable, TransientFailure } from '@image-pipeline/shared/errors.ts';
import { EventFollower } from '@image-pipeline/shared/jobs/event-follower.ts';
import { readOutcome } from '@image-pipeline/shared/jobs/read-run.ts';
import { recordOutcome } from '@image-pipeline/shared/jobs/record-outcome.ts';
import { originalKey, outcomeKey, resultKey, resultsPrefix } from '@image-pipeline/shared/store/keys.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { testLog } from '../testing/test-broker.ts';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { setUpSystem } from '../testing/test-system.ts';
import type { ImagePool } from './image-pool/image-pool.ts';
import type { JobIntake } from './job-intake.ts';
import type { ProcessJobDependencies } from './process-job.ts';
import {
  awaitOutcome,
  processed,
  publishJob,
  requestFor,
  startJobProcessor,
  submitJob,
} from './testing/job-processor.ts';

type Process = ImagePool['process'];

const system = setUpSystem();
let follower: EventFollower;
const events: JobEvent[] = [];
const stopping = new AbortController();
let intake: JobIntake | undefined;
beforeAll(async () => {
  follower = new EventFollower({
    broker: system.broker,
    service: 'test',
    instance: 'test',
    replay: 1_000,
    onEvent: (event) => events.push(event),
    onReset: () => undefined,
    log: testLog,
  });
  await follower.start();
});
afterAll(() => follower.stop());
afterEach(async () => {
  await intake?.stop();
  intake = undefined;
});

describe('a job that succeeds', () => {
  it('ends completed, with result, thumbnail, timeline and events', async () => {
    await startWorker(() => Promise.resolve(processed));
    const request = await submit();
    const outcome = await outcomeOf(request);
    expect(outcome).toMatchObject({
      state: 'completed',
      worker: 'worker-1',
      attempt: 1,
      result: { content_type: 'image/png', size: 6, width: 2, height: 3 },
      source: { width: 4, height: 6 },
    });
    expect(outcome.timeline.map(({ state }) => state)).toEqual(['queued', 'processing', 'completed']);
    await allSettled();
    await vi.waitFor(() => expect(typesOf(request)).toEqual(['job.started 1', 'job.completed 1']));
    expect(await system.broker.queues.inspect(queueNames.process)).toMatchObject({ ready: 0 });
  });

  it('takes the lowest free slot', async () => {
    const gates = Array.from({ length: 3 }, () => Promise.withResolvers<typeof processed>());
    let calls = 0;
    await startWorker(() => gates[calls++]?.promise ?? Promise.resolve(processed));
    const requests = [await submit(), await submit(), await submit()];
    const slots = () =>
      requests.map(({ job_id }) => {
        const start = events.find(({ type, data }) => type === 'job.started' && data.job_id === job_id);
        return start?.type === 'job.started' ? start.data.slot : undefined;
      });
    await vi.waitFor(() => expect(slots()).toEqual([1, 2, undefined]));
    gates[0]?.resolve(processed);
    await vi.waitFor(() => expect(slots()).toEqual([1, 2, 1]));
    for (const gate of gates) gate.resolve(processed);
    for (const request of requests) await outcomeOf(request);
  });

  it('is not processed again when its message is delivered twice: the end event is published again', async () => {
    let calls = 0;
    await startWorker(() => {
      calls++;
      return Promise.resolve(processed);
    });
    const request = await submit();
    const first = await outcomeOf(request);
    await publish(request);
    await vi.waitFor(() =>
      expect(typesOf(request).filter((type) => type === 'job.completed 1')).toHaveLength(2),
    );
    await allSettled();
    expect(calls).toBe(1);
    expect(await outcomeOf(request)).toEqual(first);
  });

  it('keeps the first outcome when two workers race, and removes the images of the other', async () => {
    await startWorker(async (task) => {
      expect(task.bytes).toEqual(Buffer.from('original'));
      const { job_id } = request;
      const other = { ...(await rivalOutcome(job_id)), attempt_id: 'rival' };
      await recordOutcome(system.store, other);
      return processed;
    });
    const request = requestFor(Buffer.from('original'));
    await system.store.put(originalKey(request.job_id), Buffer.from('original'));
    await publish(request);
    expect(await outcomeOf(request)).toMatchObject({ attempt_id: 'rival' });
    await vi.waitFor(() => expect(typesOf(request)).toContain('job.completed 1'));
    await allSettled();
    expect(await resultsOf(request)).toEqual([]);
  });
});

describe('a message of a run that was never accepted', () => {
  it('is dead-lettered, and the result of the earlier run stays', async () => {
    await startWorker(() => Promise.resolve(processed));
    const request = await submit();
    await outcomeOf(request);
    const results = await resultsOf(request);
    const before = await deadLetters();
    await publish(request, { ...request, run: 2, history: [] });
    await vi.waitFor(async () => expect(await deadLetters()).toBe(before + 1), { timeout: 10_000 });
    expect(await readOutcome(system.store, request.job_id, 2)).toBeUndefined();
    expect(await resultsOf(request)).toEqual(results);
  });

  it('is processed once it has been accepted, with what was accepted', async () => {
    await startWorker(() => Promise.resolve(processed));
    const request = requestFor(Buffer.from('original'));
    const again = { ...request, run: 2 };
    await system.store.put(originalKey(request.job_id), Buffer.from('original'));
    await system.storeJob(again);
    const before = await deadLetters();
    await publish(request, { ...again, operations: [{ type: 'filter', name: 'invert' }], history: [] });
    await vi.waitFor(async () => expect(await deadLetters()).toBe(before + 1), { timeout: 10_000 });
    await publish(request, { ...again, history: [] });
    const ended = () => readOutcome(system.store, request.job_id, 2);
    await expect.poll(ended, { timeout: 10_000 }).toMatchObject({ state: 'completed' });
    await allSettled();
  });
});

describe('a job whose first worker was killed', () => {
  it('completes, and removes the images that the killed worker stored', async () => {
    const request = requestFor(Buffer.from('original'));
    const left = resultKey(request.job_id, 'killed', 'png');
    await system.store.put(originalKey(request.job_id), Buffer.from('original'));
    let tries = 0;
    await startWorker(async () => {
      tries++;
      if (tries > 1) return processed;
      await system.store.put(left, Buffer.from('result'));
      throw new TransientFailure('engine_crashed', 'killed');
    });
    await publish(request);
    const outcome = await outcomeOf(request);
    await allSettled();
    expect(outcome.state === 'completed' ? [outcome.result.key] : []).toEqual(await resultsOf(request));
  });
});

describe('a job that fails permanently', () => {
  it('ends failed with code and reason, and its message is dead-lettered', async () => {
    const before = await deadLetters();
    await startWorker(() => Promise.reject(new PermanentFailure('undecodable_image', 'no end of image')));
    const request = await submit();
    expect(await outcomeOf(request)).toMatchObject({
      state: 'failed',
      error: { code: 'undecodable_image', reason: 'no end of image' },
    });
    await vi.waitFor(async () => expect(await deadLetters()).toBe(before + 1), { timeout: 10_000 });
    await vi.waitFor(() => expect(typesOf(request)).toEqual(['job.started 1', 'job.failed 1']));
  });

  it('fails when its original is missing', async () => {
    const before = await deadLetters();
    await startWorker(() => Promise.resolve(processed));
    const request = await submit({ withOriginal: false });
    expect(await outcomeOf(request)).toMatchObject({ state: 'failed', error: { code: 'original_missing' } });
    await vi.waitFor(async () => expect(await deadLetters()).toBe(before + 1), { timeout: 10_000 });
  });

  it.each([
    ['another version', { version: 2 }],
    ['an unknown operation', { operations: [{ type: 'explode' }] }],
    ['an id that is not in lower case', { job_id: '01980A3E-7C1B-7D9A-8F00-3C2B1A0F9E8D' }],
    ['no job at all', { hello: 'world' }],
  ])('a message with %s is dead-lettered at once', async (_what, body) => {
    const before = await deadLetters();
    await startWorker(() => Promise.resolve(processed));
    const request = requestFor(Buffer.from('original'));
    await publish(request, 'hello' in body ? body : { ...request, ...body });
    await vi.waitFor(async () => expect(await deadLetters()).toBe(before + 1), { timeout: 10_000 });
  });

  it('a message larger than 1 MiB is dead-lettered at once, although it is valid', async () => {
    const before = await deadLetters();
    await startWorker(() => Promise.resolve(processed));
    const request = requestFor(Buffer.from('original'));
    await system.store.put(originalKey(request.job_id), Buffer.from('original'));
    await publish(request, Buffer.from(JSON.stringify({ ...request, history: [] }) + ' '.repeat(1_100_000)));
    await vi.waitFor(async () => expect(await deadLetters()).toBe(before + 1), { timeout: 10_000 });
  });
});

describe('a job that fails transiently', () => {
  it('is retried after each delay, with a timeline entry for each attempt', async () => {
    let calls = 0;
    await startWorker(() =>
      ++calls < 3
        ? Promise.reject(new TransientFailure('engine_crashed', 'the process died'))
        : Promise.resolve(processed),
    );
    const request = await submit();
    const outcome = await outcomeOf(request);
    expect(outcome).toMatchObject({ state: 'completed', attempt: 3 });
    expect(outcome.timeline.map(({ state, attempt }) => `${state} ${attempt}`)).toEqual([
      'queued 1',
      'processing 1',
      'retrying 1',
      'processing 2',
      'retrying 2',
      'processing 3',
      'completed 3',
    ]);
    const times = outcome.timeline.map(({ at }) => at);
    expect(times).toEqual(times.toSorted());
    await vi.waitFor(() => expect(typesOf(request).at(-1)).toBe('job.completed 3'));
  });

  it('fails after the last retry', async () => {
    const before = await deadLetters();
    await startWorker(() => Promise.reject(new TransientFailure('engine_crashed', 'the process died')));
    const request = await submit();
    expect(await outcomeOf(request)).toMatchObject({
      state: 'failed',
      attempt: 3,
      error: { code: 'engine_crashed', reason: 'the process died (attempt 3 of 3)' },
    });
    await vi.waitFor(async () => expect(await deadLetters()).toBe(before + 1), { timeout: 10_000 });
  });
});

describe('a run that cannot be processed', () => {
  it('with a damaged original ends failed after the last retry', async () => {
    const before = await deadLetters();
    await startWorker(() => Promise.resolve(processed));
    const request = requestFor(Buffer.from('original'));
    await system.store.put(originalKey(request.job_id), Buffer.from('damaged!'));
    await publish(request);
    expect(await outcomeOf(request)).toMatchObject({
      state: 'failed',
      attempt: 3,
      error: { code: 'original_damaged' },
    });
    await vi.waitFor(async () => expect(await deadLetters()).toBe(before + 1), { timeout: 10_000 });
  });

  it('because its stored outcome is unreadable is dead-lettered instead of redelivered forever', async () => {
    const before = await deadLetters();
    await startWorker(() => Promise.resolve(processed));
    const request = requestFor(Buffer.from('original'));
    await system.store.put(outcomeKey(request.job_id, 1), Buffer.from('{'));
    await publish(request);
    await vi.waitFor(async () => expect(await deadLetters()).toBe(before + 1), { timeout: 10_000 });
  });

  it('has its outcome stored although its start event is not published yet', async () => {
    const announced = Promise.withResolvers<undefined>();
    const slow = {
      publish: async (message: OutgoingMessage) => {
        if (message.type === 'job.started') await announced.promise;
        await system.broker.publisher.publish(message);
      },
    };
    await startWorker(() => Promise.resolve(processed), { publisher: slow });
    const request = await submit();
    expect(await outcomeOf(request)).toMatchObject({ state: 'completed' });
    expect(intake?.inFlight).toBe(1);
    announced.resolve(undefined);
    await allSettled();
    await vi.waitFor(() => expect(typesOf(request)).toEqual(['job.started 1', 'job.completed 1']));
  });
});

describe('a store outage', () => {
  /** The real store behind a switch. */
  function switchable() {
    let isDown = false;
    const guard =
      <Args extends unknown[], Result>(call: (...args: Args) => Promise<Result>) =>
      (...args: Args): Promise<Result> =>
        isDown ? Promise.reject(new StoreUnavailable('the store is unavailable')) : call(...args);
    const guarded: ObjectStore = {
      start: () => system.store.start(),
      stop: () => system.store.stop(),
      put: guard((...args: Parameters<ObjectStore['put']>) => system.store.put(...args)),
      putIfAbsent: guard((...args: Parameters<ObjectStore['putIfAbsent']>) =>
        system.store.putIfAbsent(...args),
      ),
      get: guard((...args: Parameters<ObjectStore['get']>) => system.store.get(...args)),
      stat: guard((...args: Parameters<ObjectStore['stat']>) => system.store.stat(...args)),
      remove: guard((...args: Parameters<ObjectStore['remove']>) => system.store.remove(...args)),
      list: (...args) => system.store.list(...args),
    };
    return { guarded, set: (value: boolean) => (isDown = value) };
  }

  it('fails no job: the job waits and completes at its first attempt', async () => {
    const { guarded, set } = switchable();
    await startWorker(
      () => {
        set(true);
        setTimeout(() => set(false), 700);
        return Promise.resolve(processed);
      },
      { store: guarded },
    );
    const request = await submit();
    expect(await outcomeOf(request)).toMatchObject({ state: 'completed', attempt: 1 });
    await allSettled();
  });

  it('hands the job back when the worker stops meanwhile', async () => {
    const { guarded, set } = switchable();
    const stop = new AbortController();
    await startWorker(
      () => {
        set(true);
        return Promise.resolve(processed);
      },
      { store: guarded, stopping: stop.signal },
    );
    const request = await submit();
    await vi.waitFor(() => expect(typesOf(request)).toEqual(['job.started 1']));
    stop.abort();
    await intake?.stop();
    set(false);
    expect(await readOutcome(system.store, request.job_id, 1)).toBeUndefined();
    await startWorker(() => Promise.resolve(processed), { worker: 'worker-2' });
    const outcome = await outcomeOf(request);
    expect(outcome).toMatchObject({ state: 'completed' });
    expect(outcome.timeline).toMatchObject([
      { state: 'queued' },
      {
        state: 'redelivered',
        worker: 'worker-2',
        delivery: 2,
        reason: 'Connection lost: the worker that had the job disconnected before it finished.',
      },
      { state: 'processing', worker: 'worker-2', redelivered: true, delivery: 2 },
      { state: 'completed' },
    ]);
    await allSettled();
    await vi.waitFor(() =>
      expect(typesOf(request).slice(1)).toEqual(['job.redelivered 1', 'job.started 1', 'job.completed 1']),
    );
  });
});

async function rivalOutcome(jobId: string): Promise<Outcome> {
  await system.store.put(`results/${jobId}/rival.png`, Buffer.from('rival'));
  await system.store.remove(`results/${jobId}/rival.png`);
  const image = {
    key: `results/${jobId}/rival.png`,
    content_type: 'image/png' as const,
    size: 5,
    sha256: '',
    width: 1,
    height: 1,
  };
  return {
    version: 1,
    job_id: jobId,
    run: 1,
    attempt: 1,
    attempt_id: 'rival',
    worker: 'worker-2',
    finished_at: new Date().toISOString(),
    timeline: [],
    state: 'completed',
    source: { width: 1, height: 1 },
    result: image,
    thumbnail: { ...image, key: `thumbnails/${jobId}/rival.jpg` },
    timings: { wait_ms: 0, fetch_ms: 0, process_ms: 0, store_ms: 0 },
  };
}

/** Starts a worker whose pool is this function. */
async function startWorker(process: Process, changes: Partial<ProcessJobDependencies> = {}) {
  intake = await startJobProcessor(system, { pool: { process }, stopping: stopping.signal, ...changes });
}

async function submit({ withOriginal = true } = {}): Promise<JobRequest> {
  if (withOriginal) return submitJob(system, Buffer.from('original'));
  const request = requestFor(Buffer.from('original'));
  await publish(request);
  return request;
}

const publish = (request: JobRequest, body?: unknown) => publishJob(system.broker, request, body);

const typesOf = (request: JobRequest) =>
  events
    .filter(({ subject }) => subject === request.job_id)
    .map(({ type, data }) => `${type} ${data.attempt}`);

const outcomeOf = (request: JobRequest) => awaitOutcome(system.store, request);

const allSettled = () => vi.waitFor(() => expect(intake?.inFlight).toBe(0), { timeout: 10_000 });

async function deadLetters(): Promise<number> {
  return (await system.broker.queues.inspect(queueNames.dead)).ready;
}

async function resultsOf(request: JobRequest): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of system.store.list(resultsPrefix(request.job_id))) keys.push(key);
  return keys;
}
