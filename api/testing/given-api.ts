import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Broker } from '@image-pipeline/shared/broker/broker.ts';
import type { JobEvent } from '@image-pipeline/shared/contracts/event.ts';
import type { JobRequest } from '@image-pipeline/shared/contracts/job.ts';
import type { Outcome } from '@image-pipeline/shared/contracts/outcome.ts';
import { eventMessage } from '@image-pipeline/shared/jobs/event-follower.ts';
import { outcomeKey, requestKey } from '@image-pipeline/shared/store/keys.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { openStore } from '@image-pipeline/shared/store/open-store.ts';
import { jsonBody } from '@image-pipeline/shared/store/read-object.ts';
import { collect } from '../../testing/collect.ts';
import { testBroker, testRetryDelays, testVhost } from '../../testing/test-broker.ts';
import { afterAll, afterEach, beforeAll, expect, vi } from 'vitest';
import type { Vhost } from '../../testing/vhost.ts';
import { type ApiConfig, type ApiLimits, readApiConfig } from '../config.ts';
import { createApi } from '../service.ts';
import { TestApi } from './test-api.ts';

/** No service listens on it. */
const NOBODY = 'http://127.0.0.1:9';

type Changes = Partial<ApiConfig & ApiLimits>;

/** Shared by the tests of a file: a vhost, a store and a fake worker. APIs stop after each test. */
export interface GivenApi {
  readonly vhost: Vhost;
  readonly store: ObjectStore;
  readonly broker: Broker;
  /** Starts a replica and waits until it is ready; `changes` are made to its configuration and limits. */
  api(changes?: Changes): Promise<TestApi>;
  /** Starts a replica without waiting for its readiness. */
  startedApi(changes?: Changes): Promise<TestApi>;
  publish(...events: JobEvent[]): Promise<void>;
  storeJob(request: JobRequest, outcome?: Outcome): Promise<void>;
  /** Keys of all objects. */
  stored(): Promise<string[]>;
}

export function givenApi(): GivenApi {
  let vhost: Vhost;
  let folder: string;
  let store: ObjectStore;
  let broker: Broker;
  const apis: TestApi[] = [];

  beforeAll(async () => {
    vhost = await testVhost();
    folder = await mkdtemp(join(tmpdir(), 'api-test-'));
    store = openStore({ kind: 'folder', folder });
    await store.start();
    broker = testBroker(vhost.amqpUrl);
    await broker.start();
  });
  afterEach(async () => {
    await Promise.all(apis.splice(0).map((api) => api.stop()));
    expect(await temporaryFolders(), 'temporary folders left behind').toEqual([]);
  });
  afterAll(async () => {
    await broker.stop();
    await store.stop();
    await rm(folder, { recursive: true, force: true });
    await vhost.delete();
  });

  const startedApi = async (changes: Changes = {}) => {
    const retryDelays = testRetryDelays.map(({ label }) => label).join(',');
    const config = readApiConfig({
      RABBITMQ_URL: vhost.amqpUrl,
      RETRY_DELAYS: retryDelays,
      WEBHOOK_RETRY_DELAYS: retryDelays,
      STORE: 'folder',
      STORE_FOLDER: folder,
      API_PORT: '0',
      MONITORING_URL: NOBODY,
      LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'silent',
    });
    const service = createApi({ ...config, ...changes }, changes);
    const api = new TestApi(service);
    apis.push(api);
    await service.start();
    return api;
  };

  return {
    get vhost() {
      return vhost;
    },
    get store() {
      return store;
    },
    get broker() {
      return broker;
    },
    startedApi,
    async api(changes) {
      const api = await startedApi(changes);
      await vi.waitFor(async () => expect((await api.ask('/readyz')).json).toEqual({ status: 'ready' }), {
        timeout: 20_000,
        interval: 20,
      });
      return api;
    },
    async publish(...events) {
      for (const event of events) await broker.publisher.publish(eventMessage(event));
    },
    async storeJob(request, outcome) {
      const { job_id, run } = request;
      await store.putIfAbsent(requestKey(job_id, run), jsonBody(request));
      if (outcome !== undefined) await store.putIfAbsent(outcomeKey(job_id, run), jsonBody(outcome));
    },
    stored: async () => (await collect(store.list(''))).map(({ key }) => key),
  };
}

/** Per process; each test file runs in its own. */
async function temporaryFolders(): Promise<string[]> {
  return (await readdir(tmpdir())).filter((name) => name.startsWith(`image-pipeline-api-${process.pid}-`));
}
