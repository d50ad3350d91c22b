import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import {
  endedEvent,
  queuedEvent,
  redeliveredEvent,
  startedEvent,
} from '@image-pipeline/shared/contracts/event.ts';
import type { JobRequest } from '@image-pipeline/shared/contracts/job.ts';
import type { FailedOutcome } from '@image-pipeline/shared/contracts/outcome.ts';
import { readOutcome } from '@image-pipeline/shared/jobs/read-run.ts';
import { deadKey, outcomeKey } from '@image-pipeline/shared/store/keys.ts';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { failedOutcome, someRequest } from '../../testing/job-life.ts';
import { setUpSystem } from '../../testing/test-system.ts';
import type { TestApi } from '../../testing/test-system.ts';

const system = setUpSystem();

afterEach(async () => {
  for (const key of await system.storedKeys()) if (key.startsWith('dead/')) await system.store.remove(key);
});

describe('the dead letters', () => {
  it('are empty while no job has failed', async () => {
    const api = await system.startApi();
    expect((await api.ask('/dlq/stats')).json).toEqual({
      count: 0,
      by_reason: {},
      by_operation: {},
      oldest_age_seconds: null,
    });
    expect((await api.ask('/dlq/messages')).json).toEqual({ messages: [], next_cursor: null });
  });

  it('have reasons, and are listed without being consumed', async () => {
    const api = await system.startApi();
    const request = sepiaRequest();
    const failed: FailedOutcome = {
      version: 1,
      job_id: request.job_id,
      run: 1,
      attempt: 1,
      attempt_id: 'mine',
      worker: 'worker-1',
      finished_at: new Date().toISOString(),
      timeline: [],
      state: 'failed',
      error: { code: 'undecodable_image', reason: 'no end' },
    };
    await system.storeJob(request, failed);
    await system.publish(endedEvent(request, failed));
    await system.deadLetter({ ...request, history: [] });
    await untilRecorded(api, 1);
    expect((await api.ask('/dlq/stats')).json).toMatchObject({
      by_reason: { undecodable_image: 1 },
      by_operation: { filter: 1 },
      oldest_age_seconds: expect.any(Number) as unknown,
    });
    expect((await api.ask('/dlq/messages')).json).toMatchObject({
      messages: [{ job_id: request.job_id, attempts: 1, name: 'photo.jpg', error: failed.error }],
    });
    expect(await system.broker.queues.inspect(queueNames.dead)).toMatchObject({ ready: 1 });
    expect(await system.broker.queues.inspect(queueNames.deadRecorder)).toMatchObject({ ready: 0 });
  });

  it.each([
    ['started', redelivered],
    ['was redelivered', redeliveredOnly],
  ])('give a run its failed outcome whose workers all died after it %s', async (_when, newest) => {
    const api = await system.startApi();
    const request = sepiaRequest();
    await system.storeJob(request);
    await system.publish(queuedEvent(request), newest(request));
    await system.enqueue(request);
    await killWorkers();
    await untilRecorded(api, 1);
    expect(await readOutcome(system.store, request.job_id, 1)).toMatchObject({ state: 'failed' });
    const status = await api.ask(`/status/${request.job_id}`);
    expect(status.json).toMatchObject({ status: 'failed', error: { code: 'workers_died' } });
  });

  it.each([queueNames.process, queueNames.slow])('do not need the event log for that (%s)', async (queue) => {
    const request = sepiaRequest();
    await system.storeJob(request);
    await system.enqueueTo(queue, request);
    await killWorkers(queue);
    const api = await system.startApi();
    await untilRecorded(api, 1);
    const status = await api.ask(`/status/${request.job_id}`);
    expect(status.json).toMatchObject({ status: 'failed', error: { code: 'workers_died' } });
  });

  it.each(Object.entries(forgeries))('leave a waiting job alone when they hold %s', async (_what, forge) => {
    const api = await system.startApi();
    const request = sepiaRequest();
    await system.storeJob(request);
    await system.publish(queuedEvent(request));
    const { body, headers } = forge(request);
    await system.deadLetter(body, headers);
    await untilRecorded(api, 1);
    expect((await api.ask('/dlq/messages')).json).toMatchObject({
      messages: [
        {
          job_id: expect.stringMatching(/^unreadable-/) as unknown,
          error: { code: 'invalid_job' },
          name: 'photo.jpg',
        },
      ],
    });
    expect((await api.ask(`/status/${request.job_id}`)).json).toMatchObject({ status: 'queued' });
    expect(await readOutcome(system.store, request.job_id, 1)).toBeUndefined();
    expect((await api.ask('/metrics')).bytes.toString()).toContain(
      'image_store_contradictions_total{kind="dead_letter"} 1',
    );
  });

  it('list a message without a job', async () => {
    const api = await system.startApi();
    await system.deadLetter({ hello: 'world' });
    await untilRecorded(api, 1);
    expect((await api.ask('/dlq/messages')).json).toMatchObject({
      messages: [{ job_id: expect.stringMatching(/^unreadable-/) as unknown, name: null, operations: [] }],
    });
  });

  it('list a run with unreadable records, and continue', async () => {
    const api = await system.startApi();
    const request = sepiaRequest();
    await system.storeJob(request);
    await system.store.put(outcomeKey(request.job_id, 1), Buffer.from('{'));
    await system.deadLetter({ ...request, history: [] });
    await untilRecorded(api, 1);
    expect((await api.ask('/dlq/messages')).json).toMatchObject({
      messages: [{ job_id: request.job_id, error: { code: 'record_damaged' } }],
    });
    expect(await system.broker.queues.inspect(queueNames.deadRecorder)).toMatchObject({ ready: 0 });
  });

  it('are listed together with an unreadable record, which can be removed', async () => {
    const api = await system.startApi({ API_TOKEN: 'a-token-that-only-tests-know' });
    const request = sepiaRequest();
    await system.storeJob(request, failedOutcome(request));
    await system.deadLetter({ ...request, history: [] });
    await untilRecorded(api, 1);
    const { job_id } = sepiaRequest();
    await system.store.put(deadKey(job_id, 1), Buffer.from('{"version":2}'));
    await untilRecorded(api, 2);
    expect((await api.ask('/dlq/messages')).json).toMatchObject({
      messages: [{ job_id: request.job_id }, { job_id, error: { code: 'internal_error' } }],
    });
    const removal = await api.ask(`/dlq/messages?id=${job_id}`, {
      method: 'DELETE',
      headers: { Authorization: 'Bearer a-token-that-only-tests-know' },
    });
    expect(removal.json).toEqual({ removed: 1 });
    await untilRecorded(api, 1);
  });

  it('stay readable with any headers of a message', async () => {
    const api = await system.startApi();
    const request = sepiaRequest();
    await system.deadLetter({ ...request, original: { ...request.original, name: 'x'.repeat(1_100_000) } });
    await system.deadLetter({
      ...sepiaRequest(),
      operations: Array.from({ length: 5_000 }, () => ({ type: 'x' })),
    });
    await untilRecorded(api, 2);
    expect((await api.ask('/dlq/messages')).json).toMatchObject({
      messages: [{ error: { code: 'invalid_job' } }, { error: { code: 'invalid_job' } }],
    });
  });

  it('are paged', async () => {
    const api = await system.startApi();
    const requests = Array.from({ length: 5 }, () => sepiaRequest());
    for (const request of requests) {
      await system.storeJob(request, failedOutcome(request));
      await system.deadLetter({ ...request, history: [] });
    }
    await untilRecorded(api, 5);
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const query: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const { json } = await api.ask(`/dlq/messages?limit=2${query}`);
      const page = json as { messages: { job_id: string }[]; next_cursor: string | null };
      seen.push(...page.messages.map(({ job_id }) => job_id));
      cursor = page.next_cursor;
    }
    expect(seen).toEqual(requests.map(({ job_id }) => job_id).toSorted());
  });

  it('count a run once, however often it is dead-lettered', async () => {
    const api = await system.startApi();
    const request = sepiaRequest();
    await system.storeJob(request, failedOutcome(request));
    for (let times = 0; times < 3; times++) await system.deadLetter({ ...request, history: [] });
    await vi.waitFor(async () =>
      expect(await system.broker.queues.inspect(queueNames.deadRecorder)).toMatchObject({ ready: 0 }),
    );
    await untilRecorded(api, 1);
  });
});

/** What anybody could publish to the dead-letter exchange about a job that waits in its queue. */
const forgeries = {
  'its message': (request: JobRequest) => ({ body: { ...request, history: [] }, headers: {} }),
  'its message, with a death that RabbitMQ did not write': (request: JobRequest) => ({
    body: { ...request, history: [] },
    headers: {
      'x-death': [{ reason: 'delivery_limit', queue: queueNames.process, exchange: '', count: 1 }],
    },
  }),
  'a message of another version': (request: JobRequest) => ({
    body: { ...request, version: 2 },
    headers: {},
  }),
  'a message with other operations': (request: JobRequest) => ({
    body: { ...request, operations: [{ type: 'filter', name: 'invert' }] },
    headers: {},
  }),
};

function redelivered(request: JobRequest) {
  return startedEvent(request, 1, 'worker-1', new Date().toISOString(), { redelivered: true });
}

/** The last worker died before it published the start. */
function redeliveredOnly(request: JobRequest) {
  const [at, reason] = [new Date().toISOString(), 'Connection lost.'];
  return redeliveredEvent(request, 1, { worker: 'worker-1', at, delivery: 2, reason });
}

/** Workers that die of every message, until RabbitMQ delivers no more. */
async function killWorkers(queue: string = queueNames.process): Promise<void> {
  const { ready } = await system.broker.queues.inspect(queueNames.dead);
  const worker = await system.consume(queue, () => Promise.resolve('requeue'));
  await vi.waitFor(
    async () =>
      expect(await system.broker.queues.inspect(queueNames.dead)).toMatchObject({ ready: ready + 1 }),
    { timeout: 20_000, interval: 50 },
  );
  await worker.stop();
}

/** A job whose image is called photo.jpg. */
function sepiaRequest(): JobRequest {
  const { original } = someRequest();
  return someRequest({
    original: { ...original, name: 'photo.jpg' },
    operations: [{ type: 'filter', name: 'sepia' }],
  });
}

async function untilRecorded(api: TestApi, count: number) {
  await vi.waitFor(async () => expect((await api.ask('/dlq/stats')).json).toMatchObject({ count }), {
    timeout: 10_000,
    interval: 50,
  });
}
