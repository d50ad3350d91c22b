import type { ReceivedMessage, Settlement } from '@image-pipeline/shared/broker/consumer.ts';
import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { endedEvent } from '@image-pipeline/shared/contracts/event.ts';
import { jobMessageSchema, type JobRequest, jobRequestSchema } from '@image-pipeline/shared/contracts/job.ts';
import { recordOutcome } from '@image-pipeline/shared/jobs/record-outcome.ts';
import { deadKey } from '@image-pipeline/shared/store/keys.ts';
import { beforeEach, expect, vi } from 'vitest';
import { TOKEN, type ApiResponse } from './api-client.ts';
import { completedOutcome, failedOutcome, someRequest } from './job-life.ts';
import type { TestApi, TestSystem } from './test-system.ts';

/** How a job ends; `hangs` means a worker that never finishes it. */
type Decide = (request: JobRequest) => 'completed' | 'failed' | 'hangs';

/** Dead letters, and a fake worker for replayed jobs. Each test starts without dead letters and jobs. */
export function setUpDeadLetters(system: TestSystem) {
  beforeEach(async () => {
    for (const queue of [queueNames.dead, queueNames.process]) await holdAll(queue, 'ack');
    for (const key of await system.storedKeys()) {
      if (/^(dead|open-replays)\//.test(key)) await system.store.remove(key);
    }
  });

  /** Takes all messages of a queue at once, and settles them; without a settlement they return in their order. */
  async function holdAll(queue: string, settlement?: Settlement): Promise<readonly ReceivedMessage[]> {
    const { ready } = await system.broker.queues.inspect(queue);
    const held: ReceivedMessage[] = [];
    const settled = Promise.withResolvers<Settlement>();
    const onDelivery = (delivery: ReceivedMessage) => {
      held.push(delivery);
      return settled.promise;
    };
    const consumer = await system.consume(queue, onDelivery, { prefetch: 1_000 });
    await vi.waitFor(() => expect(held.length).toBeGreaterThanOrEqual(ready), { timeout: 5_000 });
    if (settlement !== undefined) settled.resolve(settlement);
    await consumer.stop(settlement === undefined ? 0 : Infinity);
    return held;
  }

  /** The job ids of the messages in the dead-letter queue, from its head. */
  async function inQueue(): Promise<string[]> {
    const messages = await holdAll(queueNames.dead);
    return messages.map(({ content }) => jobIdIn(JSON.parse(content.toString())));
  }

  return {
    /** A ready replica with a token. */
    startApi: (...[settings = {}, limits]: Parameters<TestSystem['startApi']>) =>
      system.startApi({ API_TOKEN: TOKEN, ...settings }, limits),

    /** Failed jobs with recorded dead letters, oldest first. */
    async failedJobs(count: number, changes?: Partial<JobRequest>): Promise<JobRequest[]> {
      const requests = Array.from({ length: count }, () => someRequest(changes));
      for (const request of requests) {
        const outcome = failedOutcome(request);
        await system.storeJob(request, outcome);
        await system.publish(endedEvent(request, outcome));
        await system.deadLetter({ ...request, history: [] });
      }
      const records = requests.map(({ job_id }) => deadKey(job_id, 1));
      await vi.waitFor(
        async () => expect(await system.storedKeys()).toEqual(expect.arrayContaining(records)),
        { timeout: 10_000, interval: 20 },
      );
      return requests;
    },

    /** Works until the test ends; returns the runs that it receives, as `{job_id}/{run}`. */
    async startFakeWorker(decide: Decide): Promise<string[]> {
      const runs: string[] = [];
      const onDelivery = async ({ content }: ReceivedMessage) => {
        const request = jobRequestSchema.parse(jobMessageSchema.parse(JSON.parse(content.toString())));
        runs.push(`${request.job_id}/${request.run}`);
        const fate = decide(request);
        if (fate === 'hangs') return 'keep';
        const made = fate === 'completed' ? completedOutcome(request) : failedOutcome(request);
        const outcome = await recordOutcome(system.store, made);
        await system.publish(endedEvent(request, outcome));
        return outcome.state === 'completed' ? 'ack' : 'dead-letter';
      };
      await system.consume(queueNames.process, onDelivery, { prefetch: 1_000 });
      return runs;
    },

    inQueue,

    async untilInQueue(requests: readonly JobRequest[]): Promise<void> {
      const ids = requests.map(({ job_id }) => job_id);
      await vi.waitFor(
        async () =>
          expect(await system.broker.queues.inspect(queueNames.dead)).toMatchObject({ ready: ids.length }),
        { timeout: 15_000, interval: 50 },
      );
      expect(await inQueue()).toEqual(ids);
    },

    remove: (api: TestApi, query: string): Promise<ApiResponse> =>
      api.ask(`/dlq/messages${query}`, {
        method: 'DELETE',
        headers: { Authorization: `Bearer ${TOKEN}` },
      }),

    /** The progress of a replay when it has ended. */
    async untilEnded(api: TestApi, started: { readonly json: unknown }): Promise<unknown> {
      const { status_url } = started.json as { status_url: string };
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
