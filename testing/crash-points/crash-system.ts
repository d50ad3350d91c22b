import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Broker } from '@image-pipeline/shared/broker/broker.ts';
import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { openStore } from '@image-pipeline/shared/store/open-store.ts';
import { afterAll, beforeAll, expect } from 'vitest';
import { ApiClient } from '../api-client.ts';
import { startSystem, type System } from '../start-system.ts';
import { testBroker, testRetryDelays } from '../test-broker.ts';

export type CrashPoint = `${'api' | 'worker'} ${'before' | 'after'} ${string} ${string}`;

const PRELOADED = pathToFileURL(join(import.meta.dirname, 'die-at-crash-point.ts')).href;

/** Where messages stay: dead letters until an operator handles them, events for a week. */
const RESTING_QUEUES: readonly string[] = [queueNames.dead, queueNames.webhooksDead, queueNames.eventLog];

/** A system with short retry delays for the tests of one file, whose services die at exact points. */
export function setUpCrashSystem(environment: NodeJS.ProcessEnv = {}): CrashSystem {
  const crashes = new CrashSystem();
  beforeAll(() => crashes.start(environment), 120_000);
  afterAll(() => crashes.stop());
  return crashes;
}

class CrashSystem {
  #started: { system: System; api: ApiClient; store: ObjectStore; broker: Broker } | undefined;

  async start(environment: NodeJS.ProcessEnv): Promise<void> {
    const delays = testRetryDelays.map(({ label }) => label).join(',');
    const system = await startSystem({
      name: 'crash-points',
      workers: 1,
      slots: 2,
      environment: ({ folder }) => ({
        NODE_OPTIONS: `--import=${PRELOADED}`,
        CRASH_POINT_FILE: join(folder, 'crash-point'),
        RETRY_DELAYS: delays,
        WEBHOOK_RETRY_DELAYS: delays,
        ...environment,
      }),
    });
    const store = openStore({ kind: 'folder', folder: join(system.folder, 'store') });
    await store.start();
    const broker = testBroker(system.node.amqpUrl);
    await broker.start();
    this.#started = { system, api: new ApiClient(system.api), store, broker };
  }

  async stop(): Promise<void> {
    await this.#started?.broker.stop();
    await this.#started?.store.stop();
    await this.#started?.system[Symbol.asyncDispose]();
  }

  get api(): ApiClient {
    return this.#parts.api;
  }

  get store(): ObjectStore {
    return this.#parts.store;
  }

  get broker(): Broker {
    return this.#parts.broker;
  }

  /** The next service that reaches this point dies there. */
  async arm(point: CrashPoint): Promise<void> {
    await writeFile(join(this.#parts.system.folder, 'crash-point'), point);
  }

  /** Resolves when it has died, and all services are ready again. */
  async afterCrash(): Promise<void> {
    const { folder, services } = this.#parts.system;
    await expect.poll(() => existsSync(join(folder, 'crash-point')), { timeout: 15_000 }).toBe(false);
    await Promise.all(services.map((service) => service.untilReady()));
  }

  /** Messages ready or unacknowledged, by queue; without empty queues, dead letters and events. */
  async messagesInFlight(): Promise<Record<string, number>> {
    const { node } = this.#parts.system;
    const listed = await node.ctl(['--quiet', '--no-table-headers', 'list_queues', 'name', 'messages']);
    const counts = listed.split('\n').map((line) => line.split('\t'));
    return Object.fromEntries(
      counts
        .map(([name = '', messages]) => [name, Number(messages)] as const)
        .filter(([name, messages]) => messages > 0 && !RESTING_QUEUES.includes(name)),
    );
  }

  /** The numbers of objects of a job, by kind. */
  async objectsOf(jobId: string) {
    const objects = await Array.fromAsync(this.store.list(''));
    const keys = objects.map(({ key }) => key).filter((key) => key.includes(jobId));
    const count = (pattern: RegExp) => keys.filter((key) => pattern.test(key)).length;
    return {
      requests: count(/^jobs\/.*\/request\.json$/),
      outcomes: count(/^jobs\/.*\/outcome\.json$/),
      results: count(/^results\//),
      thumbnails: count(/^thumbnails\//),
      deadLetters: count(/^dead\//),
    };
  }

  get #parts() {
    if (this.#started === undefined) throw new Error('The system exists in tests and hooks only.');
    return this.#started;
  }
}
