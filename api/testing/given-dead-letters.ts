import type { Delivery } from '@image-pipeline/shared/broker/consumer.ts';
import { exchangeNames, queueNames, routingKeys } from '@image-pipeline/shared/broker/topology.ts';
import { endedEvent } from '@image-pipeline/shared/contracts/event.ts';
import { jobMessageSchema, type JobRequest, jobRequestSchema } from '@image-pipeline/shared/contracts/job.ts';
import { recordOutcome } from '@image-pipeline/shared/jobs/record-outcome.ts';
import { deadKey } from '@image-pipeline/shared/store/keys.ts';
import { completedOutcome, failedOutcome, someRequest } from '../../testing/job-life.ts';
import { v7 as uuidv7 } from 'uuid';
import { afterEach, beforeEach, expect, vi } from 'vitest';
import type { GivenApi } from './given-api.ts';
import type { TestApi } from './test-api.ts';

export const TOKEN = 'a-token-that-only-tests-know';
const authorization = { Authorization: `Bearer ${TOKEN}` };

/** How a job ends; any other value means a worker that never finishes it. */
export type Decide = (request: JobRequest) => 'completed' | 'failed' | 'hangs';

/** Dead letters, and a fake worker for replayed jobs. */
export interface GivenDeadLetters {
  /** A ready replica with a token. */
  api(changes?: Parameters<GivenApi['api']>[0]): Promise<TestApi>;
  /** Publishes any message to the dead-letter exchange. */
  deadLetter(body: unknown): Promise<void>;
  /** Failed jobs with recorded dead letters, oldest first. */
  failedJobs(count: number, changes?: Partial<JobRequest>): Promise<JobRequest[]>;
  /** Works until the test ends; returns the runs that it receives, as `{job_id}/{run}`. */
  worker(decide: Decide): Promise<string[]>;
  /** The job ids of the messages in the dead-letter queue, from its head. */
  inQueue(): Promise<string[]>;
  untilInQueue(requests: readonly JobRequest[]): Promise<void>;
  post(api: TestApi, body: unknown): ReturnType<TestApi['ask']>;
  remove(api: TestApi, query: string): ReturnType<TestApi['ask']>;
  /** The progress of a replay when it has ended. */
  untilEnded(api: TestApi, started: { readonly json: unknown }): Promise<unknown>;
}

export function givenDeadLetters(given: GivenApi): GivenDeadLetters {
  const clean: (() => Promise<void>)[] = [];

  const consume = async (queue: string, onDelivery: (delivery: Delivery) => Promise<void>) => {
    const consumer = given.broker.consumer({ queue, prefetch: 1_000, onDelivery });
    await consumer.start();
    return consumer;
  };

  /** Holds all messages of the queue; `settle` may acknowledge some. */
  const holdAll = async (queue: string, settle: (delivery: Delivery) => void): Promise<Delivery[]> => {
    const { ready } = await given.broker.queues.inspect(queue);
    const held: Delivery[] = [];
    const over = new AbortController();
    const consumer = await consume(queue, async (delivery) => {
      held.push(delivery);
      await new Promise((resolve) => over.signal.addEventListener('abort', resolve));
    });
    await vi.waitFor(() => expect(held.length).toBeGreaterThanOrEqual(ready), { timeout: 5_000 });
    held.forEach(settle);
    over.abort();
    await consumer.stop();
    return held;
  };

  beforeEach(async () => {
    for (const queue of [queueNames.dead, queueNames.process]) {
      await holdAll(queue, (delivery) => delivery.ack());
    }
    for (const key of await given.stored()) {
      if (/^(dead|open-replays)\//.test(key)) await given.store.remove(key);
    }
  });
  afterEach(async () => {
    for (const act of clean.splice(0)) await act();
  });

  const deadLetter = (body: unknown) =>
    given.broker.publisher.publish({
      exchange: exchangeNames.deadLetters,
      routingKey: routingKeys.deadJob,
      body,
      messageId: uuidv7(),
      correlationId: uuidv7(),
      type: 'job',
      contentType: 'application/json',
      headers: { 'x-attempt': 1 },
    });

  const inQueue = async () =>
    (await holdAll(queueNames.dead, () => undefined)).map(({ content }) =>
      jobIdIn(JSON.parse(content.toString())),
    );

  return {
    api: (changes) => given.api({ API_TOKEN: TOKEN, ...changes }),
    deadLetter,
    async failedJobs(count, changes) {
      const requests = Array.from({ length: count }, () => someRequest(changes));
      for (const request of requests) {
        const outcome = failedOutcome(request);
        await given.storeJob(request, outcome);
        await given.publish(endedEvent(request, outcome));
        await deadLetter({ ...request, history: [] });
      }
      await vi.waitFor(
        async () =>
          expect(await given.stored()).toEqual(
            expect.arrayContaining(requests.map(({ job_id }) => deadKey(job_id, 1))),
          ),
        { timeout: 10_000, interval: 20 },
      );
      return requests;
    },
    async worker(decide) {
      const runs: string[] = [];
      const consumer = await consume(queueNames.process, async (delivery) => {
        const request = jobRequestSchema.parse(
          jobMessageSchema.parse(JSON.parse(delivery.content.toString())),
        );
        runs.push(`${request.job_id}/${request.run}`);
        const fate = decide(request);
        if (fate === 'hangs') return;
        const made = fate === 'completed' ? completedOutcome(request) : failedOutcome(request);
        const outcome = await recordOutcome(given.store, made);
        await given.publish(endedEvent(request, outcome));
        if (outcome.state === 'completed') delivery.ack();
        else delivery.deadLetter();
      });
      clean.push(async () => consumer.stop(0));
      return runs;
    },
    inQueue,
    async untilInQueue(requests) {
      const ids = requests.map(({ job_id }) => job_id);
      await vi.waitFor(
        async () =>
          expect(await given.broker.queues.inspect(queueNames.dead)).toMatchObject({ ready: ids.length }),
        { timeout: 15_000, interval: 50 },
      );
      expect(await inQueue()).toEqual(ids);
    },
    post: (api, body) =>
      api.ask('/dlq/replay', {
        method: 'POST',
        headers: authorization,
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    remove: (api, query) => api.ask(`/dlq/messages${query}`, { method: 'DELETE', headers: authorization }),
    async untilEnded(api, { json }) {
      const { status_url } = json as { status_url: string };
      return vi.waitFor(
        async () => {
          const { json: progress } = await api.ask(status_url);
          expect(progress).not.toMatchObject({ state: 'running' });
          return progress;
        },
        { timeout: 25_000, interval: 50 },
      );
    },
  };
}

function jobIdIn(message: unknown): string {
  return typeof message === 'object' && message !== null && 'job_id' in message
    ? String(message.job_id)
    : 'no job';
}
