import { randomBytes } from 'node:crypto';
import type { ReceivedMessage } from '@image-pipeline/shared/broker/consumer.ts';
import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { endedEvent, type JobEvent } from '@image-pipeline/shared/contracts/event.ts';
import type { JobRequest } from '@image-pipeline/shared/contracts/job.ts';
import type { Outcome } from '@image-pipeline/shared/contracts/outcome.ts';
import type { WebhookAttempt } from '@image-pipeline/shared/contracts/webhook.ts';
import { readWebhookAttempts } from '@image-pipeline/shared/jobs/webhook-attempts.ts';
import { afterEach, beforeEach, expect } from 'vitest';
import { completedOutcome, someRequest } from './job-life.ts';
import type { TestSystem } from './test-system.ts';
import { Receiver } from './webhook-receiver.ts';

export const SECRET = `whsec_${randomBytes(32).toString('base64')}`;

/** Settings of a service that may reach receivers on this machine. */
export const webhookSettings = {
  WEBHOOK_SECRET: SECRET,
  WEBHOOK_ALLOWED_HOSTS: '127.0.0.1',
  WEBHOOK_TIMEOUT_MS: '1000',
  PUBLIC_API_URL: 'https://images.example.org',
} as const;

/** Jobs with a callback URL; each test has a receiver of its own. */
export function setUpWebhooks(system: TestSystem) {
  let receiver: Receiver;
  beforeEach(async () => {
    receiver = await Receiver.start();
  });
  afterEach(() => receiver.stop());

  return {
    get receiver() {
      return receiver;
    },
    /** A stored job with a callback URL, and the event of its end. */
    async endedJob(
      changes: Partial<JobRequest> = {},
      outcomeOf: (request: JobRequest) => Outcome = completedOutcome,
    ): Promise<{ request: JobRequest; end: JobEvent }> {
      const request = someRequest({ callback_url: receiver.url(), ...changes });
      const outcome = outcomeOf(request);
      await system.storeJob(request, outcome);
      return { request, end: endedEvent(request, outcome) };
    },
    attempts: (request: JobRequest) => readWebhookAttempts(system.store, request.job_id),
    /** The attempts, once the last of them is in this state. */
    async until(request: JobRequest, state: WebhookAttempt['state']): Promise<readonly WebhookAttempt[]> {
      const read = () => readWebhookAttempts(system.store, request.job_id);
      await expect
        .poll(async () => (await read()).at(-1)?.state, { timeout: 15_000, interval: 20 })
        .toBe(state);
      return read();
    },
    /** Takes one message off the queue of dead webhooks. */
    async takeDead(): Promise<ReceivedMessage> {
      const [dead] = await system.take(queueNames.webhooksDead);
      if (dead === undefined) throw new Error('no message');
      return dead;
    },
    /** Messages that are ready in a queue. */
    depth: async (queue: string): Promise<number> => (await system.broker.queues.inspect(queue)).ready,
  };
}
