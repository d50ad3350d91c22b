import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Broker } from '@image-pipeline/shared/broker/broker.ts';
import {
  destinationOf,
  exchangeNames,
  queueNames,
  routingKeys,
} from '@image-pipeline/shared/broker/topology.ts';
import type { JobEvent } from '@image-pipeline/shared/contracts/event.ts';
import type { JobRequest } from '@image-pipeline/shared/contracts/job.ts';
import type { Outcome } from '@image-pipeline/shared/contracts/outcome.ts';
import { eventMessage } from '@image-pipeline/shared/jobs/event-follower.ts';
import { outcomeKey, requestKey } from '@image-pipeline/shared/store/keys.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { openStore } from '@image-pipeline/shared/store/open-store.ts';
import { jsonBody } from '@image-pipeline/shared/store/read-object.ts';
import { v7 as uuidv7 } from 'uuid';
import { completedOutcome, someRequest } from './job-life.ts';
import { testBroker, testVhost } from './test-broker.ts';
import { inject } from 'vitest';
import { managementCall } from './management-call.ts';
import type { Vhost } from './vhost.ts';

/** A vhost and a folder store for some tests, and methods that write to them as the services do. */
export class TestPlace {
  #opened: { vhost: Vhost; storeFolder: string; store: ObjectStore; broker: Broker } | undefined;

  readonly #users: string[] = [];

  async open(): Promise<void> {
    const vhost = await testVhost();
    const storeFolder = await mkdtemp(join(tmpdir(), 'image-pipeline-test-'));
    const store = openStore({ kind: 'folder', folder: storeFolder });
    await store.start();
    const broker = testBroker(vhost.amqpUrl);
    await broker.start();
    this.#opened = { vhost, storeFolder, store, broker };
  }

  /** @throws Error if a connection to the vhost is still open */
  async close(): Promise<void> {
    for (const user of this.#users.splice(0))
      await managementCall(inject('broker'), 'DELETE', `users/${user}`);
    await this.broker.stop();
    await this.store.stop();
    // A write that timed out or was aborted may still be removing its temporary file.
    await rm(this.storeFolder, { recursive: true, force: true, maxRetries: 5 });
    await this.vhost.delete();
  }

  get vhost(): Vhost {
    return this.#parts.vhost;
  }

  get storeFolder(): string {
    return this.#parts.storeFolder;
  }

  get store(): ObjectStore {
    return this.#parts.store;
  }

  /** A client of the test's own. */
  get broker(): Broker {
    return this.#parts.broker;
  }

  /** Publishes events as api and workers do: one after the other, each confirmed. */
  async publish(...events: JobEvent[]): Promise<void> {
    for (const event of events) await this.broker.publisher.publish(eventMessage(event));
  }

  /** Publishes jobs to the job queue. */
  async enqueue(...requests: JobRequest[]): Promise<void> {
    for (const request of requests) await this.enqueueTo(queueNames.process, request);
  }

  /** Publishes a job to one of the queues that workers consume. */
  enqueueTo(queue: string, request: JobRequest): Promise<void> {
    const { exchange, routingKey } = destinationOf(queue);
    return this.#send(exchange, routingKey, request);
  }

  /** Publishes any message to the dead-letter exchange, like the broker. */
  deadLetter(body: unknown, headers?: Readonly<Record<string, unknown>>): Promise<void> {
    return this.#send(exchangeNames.deadLetters, routingKeys.deadJob, body, headers);
  }

  async storeJob(request: JobRequest, outcome?: Outcome): Promise<void> {
    const { job_id, run } = request;
    await this.store.putIfAbsent(requestKey(job_id, run), jsonBody(request));
    if (outcome !== undefined) await this.store.putIfAbsent(outcomeKey(job_id, run), jsonBody(outcome));
  }

  /** Completed jobs, each with a unique thumbnail; only in the store, not in the event log. */
  async storeCompletedJobs(count: number): Promise<JobRequest[]> {
    const requests = Array.from({ length: count }, () => someRequest());
    for (const request of requests) {
      const bytes = thumbnailOf(request.job_id);
      const outcome = completedOutcome(request);
      const { thumbnail } = outcome;
      const stored = {
        ...thumbnail,
        size: bytes.length,
        sha256: createHash('sha256').update(bytes).digest('hex'),
      };
      await this.store.put(thumbnail.key, bytes);
      await this.storeJob(request, { ...outcome, thumbnail: stored });
    }
    return requests;
  }

  /** The keys of all objects. */
  async storedKeys(): Promise<string[]> {
    return (await Array.fromAsync(this.store.list(''))).map(({ key }) => key);
  }

  /** The vhost's URL with a user who has a strong password, as production requires. */
  async urlOfOwnUser(): Promise<string> {
    const [user, password] = [randomUUID(), randomUUID()];
    const anything = { configure: '.*', write: '.*', read: '.*' };
    await managementCall(inject('broker'), 'PUT', `users/${user}`, { password, tags: '' });
    this.#users.push(user);
    await managementCall(inject('broker'), 'PUT', `permissions/${this.vhost.name}/${user}`, anything);
    return this.vhost.amqpUrl.replace(/\/\/[^@]*@/, `//${user}:${password}@`);
  }

  get #parts() {
    if (this.#opened === undefined) throw new Error('Vhost and store exist in tests and hooks only.');
    return this.#opened;
  }

  #send(exchange: string, routingKey: string, body: unknown, headers = {}): Promise<void> {
    return this.broker.publisher.publish({
      exchange,
      routingKey,
      body,
      messageId: uuidv7(),
      correlationId: uuidv7(),
      type: 'job',
      contentType: 'application/json',
      headers: { 'x-attempt': 1, ...headers },
    });
  }
}

/** The thumbnail of a job of `storeCompletedJobs`. */
export function thumbnailOf(jobId: string): Buffer {
  return Buffer.from(`a thumbnail of ${jobId}`);
}
