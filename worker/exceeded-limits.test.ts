import type { Consumer } from '@image-pipeline/shared/broker/consumer.ts';
import type { OutgoingMessage } from '@image-pipeline/shared/broker/publisher.ts';
import { exchangeNames, queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { type JobEvent, jobEventSchema } from '@image-pipeline/shared/contracts/event.ts';
import { postponedBecause, timelineEntryOf } from '@image-pipeline/shared/contracts/job-order.ts';
import type { JobRequest } from '@image-pipeline/shared/contracts/job.ts';
import { TransientFailure } from '@image-pipeline/shared/errors.ts';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { testRetryDelays } from '../testing/test-broker.ts';
import { setUpSystem } from '../testing/test-system.ts';
import { createImagePool } from './image-pool/image-pool.ts';
import { SlowLane } from './image-pool/slow-lane.ts';
import type { Behaviour } from './image-pool/testing/misbehaving-child.ts';
import { awaitOutcome, processed, startJobProcessor, submitJob } from './testing/job-processor.ts';

const system = setUpSystem();
const consumers: Consumer[] = [];
afterEach(async () => {
  await Promise.all(consumers.splice(0).map((consumer) => consumer.stop()));
});

async function start(dependencies: Parameters<typeof startJobProcessor>[1]): Promise<void> {
  consumers.push(await startJobProcessor(system, dependencies));
}
const submit = (original: string) => submitJob(system, Buffer.from(original));
const outcomeOf = (request: JobRequest) => awaitOutcome(system.store, request);
const tooSlow = () => Promise.reject(new TransientFailure('deadline_exceeded', 'took too long'));
const quick = () => Promise.resolve(processed);

describe('a job that exceeds its time or memory limit', () => {
  it('is retried once, and then ends failed', async () => {
    await start({ pool: { process: tooSlow } });
    const outcome = await outcomeOf(await submit('original'));
    expect(outcome).toMatchObject({
      state: 'failed',
      attempt: 2,
      error: {
        code: 'deadline_exceeded',
        reason: 'took too long (attempt 2; a job that exceeds a limit is retried only once)',
      },
    });
    expect(outcome.timeline.map(({ state, attempt }) => `${state} ${attempt}`)).toEqual([
      'queued 1',
      'processing 1',
      'retrying 1',
      'processing 2',
      'failed 2',
    ]);
    await vi.waitFor(
      async () => expect(await system.broker.queues.inspect(queueNames.dead)).toMatchObject({ ready: 1 }),
      { timeout: 10_000 },
    );
  });

  it('waits for its retry while a slow image is processed, and does not hold a slot meanwhile', async () => {
    const slowLane = new SlowLane();
    slowLane.enter('another');
    const toRetryQueues: unknown[] = [];
    const events: JobEvent[] = [];
    const publisher = {
      publish: async (message: OutgoingMessage) => {
        await system.broker.publisher.publish(message);
        if (message.exchange === exchangeNames.retry) toRetryQueues.push(message.headers?.['x-attempt']);
        const event = jobEventSchema.safeParse(message.body).data;
        if (event?.type === 'job.postponed') events.push(event);
      },
    };
    let calls = 0;
    await start({ pool: { process: () => (++calls === 1 ? tooSlow() : quick()) }, slowLane, publisher });
    const request = await submit('original');
    await vi.waitFor(() => expect(toRetryQueues.length).toBeGreaterThan(2), { timeout: 10_000 });
    const ordinary = await outcomeOf(await submit('original'));
    expect(ordinary).toMatchObject({ state: 'completed', attempt: 1 });
    expect(new Set(toRetryQueues), 'postponing does not count as an attempt').toEqual(new Set([2]));
    slowLane.leave('another');
    const outcome = await outcomeOf(request);
    expect(outcome).toMatchObject({ state: 'completed', attempt: 2 });
    const newest = events.map(timelineEntryOf).at(-1);
    expect(newest).toMatchObject({
      state: 'postponed',
      attempt: 1,
      postponement: events.length,
      reason: postponedBecause.laneTaken,
    });
    expect(events.length).toBeGreaterThan(1);
    expect(outcome.timeline.map(({ state, attempt }) => `${state} ${attempt}`)).toEqual([
      'queued 1',
      'processing 1',
      'retrying 1',
      'postponed 1',
      'processing 2',
      'completed 2',
    ]);
    expect(outcome.timeline[3]).toEqual(newest);
    await vi.waitFor(() => expect(slowLane.enter('the next'), 'it left the slow lane').toBe(true));
  });

  it('is retried by another worker', async () => {
    await start({ pool: { process: tooSlow }, countWorkers: () => Promise.resolve(2) });
    await start({ pool: { process: quick }, worker: 'worker-2', countWorkers: () => Promise.resolve(2) });
    const requests = await Promise.all(many(8, () => submit('original')));
    for (const outcome of await Promise.all(requests.map(outcomeOf))) {
      expect(outcome).toMatchObject({ state: 'completed', worker: 'worker-2' });
    }
  });
});

describe('a job that makes way for a slow image', () => {
  it('completes although its only retry was used before', async () => {
    const errors = [
      new TransientFailure('engine_crashed', 'the process died'),
      new TransientFailure('slow_image', 'another slow image is being processed or is next'),
    ];
    const process = () => {
      const error = errors.shift();
      return error === undefined ? quick() : Promise.reject(error);
    };
    await start({ pool: { process }, retryDelays: testRetryDelays.slice(0, 1) });
    const outcome = await outcomeOf(await submit('original'));
    expect(outcome).toMatchObject({ state: 'completed', attempt: 3 });
    expect(outcome.timeline.flatMap(({ error }) => error?.code ?? [])).toEqual([
      'engine_crashed',
      'slow_image',
    ]);
  });
});

describe('ten images that are decoded forever', () => {
  it('delay others only by their first attempts, and fail after their second', async () => {
    const slowLane = new SlowLane();
    const log = { debug: () => undefined, warn: () => undefined };
    const program = new URL('image-pool/testing/misbehaving-child.ts', import.meta.url);
    await using cleanup = new AsyncDisposableStack();
    const images = createImagePool({ slots: 2, deadlineMs: 2_700, program, slowLane, log });
    cleanup.defer(() => images.stop());
    await images.start();
    const hostile = await Promise.all(many(10, () => submit('hang decoding' satisfies Behaviour)));
    const ordinary = await Promise.all(many(10, () => submit('work' satisfies Behaviour)));
    const began = performance.now();
    await start({ pool: images, slowLane });
    for (const request of ordinary) {
      const outcome = await awaitOutcome(system.store, request, 30_000);
      expect(outcome).toMatchObject({ state: 'completed', attempt: 1 });
    }
    const ordinaryMs = performance.now() - began;
    for (const request of hostile) {
      const outcome = await awaitOutcome(system.store, request, 60_000);
      expect(outcome).toMatchObject({ state: 'failed', error: { code: 'deadline_exceeded' } });
      // Two attempts exceed the deadline; one before them may have made way for another image.
      expect([2, 3]).toContain(outcome.attempt);
    }
    expect(ordinaryMs).toBeLessThan((performance.now() - began) / 2);
  }, 120_000);
});

function many<Item>(count: number, make: () => Item): Item[] {
  return Array.from({ length: count }, make);
}
