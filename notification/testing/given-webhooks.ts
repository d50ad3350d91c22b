import { randomBytes } from 'node:crypto';
import type { Delivery } from '@image-pipeline/shared/broker/consumer.ts';
import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { endedEvent, type JobEvent } from '@image-pipeline/shared/contracts/event.ts';
import type { JobRequest } from '@image-pipeline/shared/contracts/job.ts';
import type { WebhookAttempt } from '@image-pipeline/shared/contracts/webhook.ts';
import { readWebhookAttempts } from '@image-pipeline/shared/jobs/webhook-attempts.ts';
import { completedOutcome, someRequest } from '../../testing/job-life.ts';
import { testBroker } from '../../testing/test-broker.ts';
import { afterEach, beforeEach, expect } from 'vitest';
import type { Given } from './given-notification.ts';
import { Receiver } from './receiver.ts';

export const SECRET = `whsec_${randomBytes(32).toString('base64')}`;

/** A service that may reach receivers on this machine. */
export const webhookEnv = {
  WEBHOOK_SECRET: SECRET,
  WEBHOOK_ALLOWED_HOSTS: '127.0.0.1',
  WEBHOOK_TIMEOUT_MS: '1000',
  PUBLIC_API_URL: 'https://images.example.org',
} as const;

/** Webhook tests have one receiver each. */
export function givenWebhooks(given: Given) {
  let receiver: Receiver;
  beforeEach(async () => {
    receiver = await Receiver.start();
  });
  afterEach(() => receiver.stop());

  return {
    get receiver() {
      return receiver;
    },
    /** A job with a callback URL, and the event of its end. */
    endedJob(changes: Partial<JobRequest> = {}): { request: JobRequest; end: JobEvent } {
      const request = someRequest({ callback_url: receiver.url(), ...changes });
      return { request, end: endedEvent(request, completedOutcome(request)) };
    },
    attempts: (request: JobRequest) => readWebhookAttempts(given.store, request.job_id),
    /** The attempts, once the last of them is in this state. */
    async until(request: JobRequest, state: WebhookAttempt['state']): Promise<readonly WebhookAttempt[]> {
      const read = () => readWebhookAttempts(given.store, request.job_id);
      await expect
        .poll(async () => (await read()).at(-1)?.state, { timeout: 15_000, interval: 20 })
        .toBe(state);
      return read();
    },
    /** Takes one message out of the queue of dead webhooks. */
    async takeDead(): Promise<Delivery> {
      const broker = testBroker(given.vhost.amqpUrl);
      await broker.start();
      const { promise, resolve } = Promise.withResolvers<Delivery>();
      let isTaken = false;
      const consumer = broker.consumer({
        queue: queueNames.webhooksDead,
        prefetch: 1,
        onDelivery: (delivery) => {
          // The next one stays unsettled: it returns to the queue when the channel is closed.
          if (!isTaken) delivery.ack();
          isTaken = true;
          resolve(delivery);
          return Promise.resolve();
        },
      });
      await consumer.start();
      const dead = await promise;
      await consumer.stop();
      await broker.stop();
      return dead;
    },
    /** Messages that are ready in a queue. */
    async depth(queue: string): Promise<number> {
      const broker = testBroker(given.vhost.amqpUrl);
      await broker.start();
      const { ready } = await broker.queues.inspect(queue);
      await broker.stop();
      return ready;
    },
  };
}
