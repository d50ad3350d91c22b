import type { OutgoingMessage } from '@image-pipeline/shared/broker/publisher.ts';
import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { type JobEvent, jobEventSchema } from '@image-pipeline/shared/contracts/event.ts';
import { POSTPONED_BECAUSE, timelineEntryOf } from '@image-pipeline/shared/contracts/job-order.ts';
import type { JobRequest } from '@image-pipeline/shared/contracts/job.ts';
import type { Outcome } from '@image-pipeline/shared/contracts/outcome.ts';
import { TransientFailure } from '@image-pipeline/shared/errors.ts';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { testRetryDelays } from '../testing/test-broker.ts';
import { setUpSystem } from '../testing/test-system.ts';
import { createImagePool, type ImagePool as WholePool } from './image-pool/image-pool.ts';
import type { Behaviour } from './image-pool/testing/misbehaving-child.ts';
import type { JobIntake } from './job-intake.ts';
import { awaitOutcome, processed, startJobProcessor, submitJob } from './testing/job-processor.ts';

type ImagePool = Pick<WholePool, 'process'>;

const system = setUpSystem();
const intakes: JobIntake[] = [];
afterEach(async () => {
  await Promise.all(intakes.splice(0).map((intake) => intake.stop()));
});

async function start(dependencies: Parameters<typeof startJobProcessor>[1]): Promise<void> {
  intakes.push(await startJobProcessor(system, dependencies));
}
const submit = (original: string) => submitJob(system, Buffer.from(original));
const outcomeOf = (request: JobRequest) => awaitOutcome(system.store, request);
const tooSlow = () => Promise.reject(new TransientFailure('deadline_exceeded', 'took too long'));
const crash = () => Promise.reject(new TransientFailure('engine_crashed', 'the process died'));
const quick = () => Promise.resolve(processed);
const timelineOf = ({ timeline }: Outcome) => timeline.map(({ state, attempt }) => `${state} ${attempt}`);

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
    expect(timelineOf(outcome)).toEqual([
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

  it('is postponed on the worker where that happened while there are others', async () => {
    const events: JobEvent[] = [];
    const publisher = {
      publish: async (message: OutgoingMessage) => {
        await system.broker.publisher.publish(message);
        const event = jobEventSchema.safeParse(message.body).data;
        if (event?.type === 'job.postponed') events.push(event);
      },
    };
    const countWorkers = () => Promise.resolve(2);
    await start({ pool: { process: tooSlow }, countWorkers, publisher });
    const request = await submit('original');
    await vi.waitFor(() => expect(events.length).toBeGreaterThan(1), { timeout: 10_000 });
    await start({ pool: { process: quick }, worker: 'worker-2', countWorkers });
    const outcome = await outcomeOf(request);
    expect(outcome).toMatchObject({ state: 'completed', attempt: 2, worker: 'worker-2' });
    expect(timelineOf(outcome)).toEqual([
      'queued 1',
      'processing 1',
      'retrying 1',
      'postponed 1',
      'processing 2',
      'completed 2',
    ]);
    expect(outcome.timeline[3]).toEqual(events.map(timelineEntryOf).at(-1));
    expect(outcome.timeline[3]).toMatchObject({
      worker: 'worker-1',
      postponement: events.length,
      reason: POSTPONED_BECAUSE,
    });
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

describe('a job with a slow image', () => {
  const slow = () => Promise.reject(new TransientFailure('slow_image', 'it takes long'));

  it('waits in a queue of its own while another one is processed, and does not take a slot', async () => {
    const gate = Promise.withResolvers<typeof processed>();
    const pool: ImagePool = {
      process: ({ bytes }, { isSlow } = {}) => {
        if (bytes.toString() === 'ordinary') return quick();
        return isSlow === true ? gate.promise : slow();
      },
    };
    await start({ pool });
    const requests = await Promise.all(many(4, () => submit('slow')));
    await vi.waitFor(
      async () => expect(await system.broker.queues.inspect(queueNames.slow)).toMatchObject({ ready: 3 }),
      { timeout: 10_000 },
    );
    const ordinary = await Promise.all(many(4, () => submit('ordinary')));
    for (const outcome of await Promise.all(ordinary.map(outcomeOf))) {
      expect(outcome).toMatchObject({ state: 'completed', attempt: 1 });
    }
    gate.resolve(processed);
    for (const outcome of await Promise.all(requests.map(outcomeOf))) {
      expect(timelineOf(outcome)).toEqual([
        'queued 1',
        'processing 1',
        'retrying 1',
        'processing 2',
        'completed 2',
      ]);
      const [, first, moved, second] = outcome.timeline;
      expect(first?.slot).toBeTypeOf('number');
      expect(moved?.error).toEqual({ code: 'slow_image', reason: 'it takes long' });
      expect(moved?.retry_at).toBe(moved?.at);
      expect(second?.slot).toBeUndefined();
    }
  });

  it('returns to that queue after a retry, without a start in between', async () => {
    const calls: boolean[] = [];
    const pool: ImagePool = {
      process: (_task, { isSlow = false } = {}) => {
        calls.push(isSlow);
        if (!isSlow) return slow();
        return calls.length === 2 ? crash() : quick();
      },
    };
    await start({ pool });
    const outcome = await outcomeOf(await submit('slow'));
    expect(outcome).toMatchObject({ state: 'completed', attempt: 3 });
    expect(calls).toEqual([false, true, true]);
  });

  it('completes although its only retry was used before', async () => {
    const failures = [crash, slow];
    const process = () => (failures.shift() ?? quick)();
    await start({ pool: { process }, retryDelays: testRetryDelays.slice(0, 1) });
    const outcome = await outcomeOf(await submit('original'));
    expect(outcome).toMatchObject({ state: 'completed', attempt: 3 });
    expect(outcome.timeline.flatMap(({ error }) => error?.code ?? [])).toEqual([
      'engine_crashed',
      'slow_image',
    ]);
  });
});

describe('images that are decoded forever', () => {
  it('delay others only until they are known to be slow, and fail after two more attempts', async () => {
    const log = { debug: () => undefined, warn: () => undefined };
    const program = new URL('image-pool/testing/misbehaving-child.ts', import.meta.url);
    await using cleanup = new AsyncDisposableStack();
    const images = createImagePool({ slots: 2, deadlineMs: 2_700, program, log });
    cleanup.defer(() => images.stop());
    await images.start();
    const hostile = await Promise.all(many(4, () => submit('hang decoding' satisfies Behaviour)));
    const ordinary = await Promise.all(many(10, () => submit('work' satisfies Behaviour)));
    const began = performance.now();
    await start({ pool: images });
    for (const request of ordinary) {
      const outcome = await awaitOutcome(system.store, request, 30_000);
      expect(outcome).toMatchObject({ state: 'completed', attempt: 1 });
    }
    const ordinaryMs = performance.now() - began;
    for (const request of hostile) {
      const outcome = await awaitOutcome(system.store, request, 60_000);
      expect(outcome).toMatchObject({ state: 'failed', error: { code: 'deadline_exceeded' } });
      // The first attempt shows that the image is slow.
      expect(outcome.attempt).toBe(3);
    }
    expect(ordinaryMs).toBeLessThan((performance.now() - began) / 2);
  }, 120_000);
});

function many<Item>(count: number, make: () => Item): Item[] {
  return Array.from({ length: count }, make);
}
