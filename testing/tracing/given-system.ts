import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { trace } from '@opentelemetry/api';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import type { Service } from '@image-pipeline/shared/service.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { openStore } from '@image-pipeline/shared/store/open-store.ts';
import { testRetryDelays, testVhost } from '../test-broker.ts';
import { afterAll, afterEach, beforeAll, inject, vi } from 'vitest';
import { readApiConfig } from '../../api/config.ts';
import { createApi } from '../../api/service.ts';
import { form } from '../../api/testing/images.ts';
import { managementCall } from '../management-call.ts';
import type { Vhost } from '../vhost.ts';
import { readMonitoringConfig } from '../../monitoring/config.ts';
import { createMonitoring } from '../../monitoring/service.ts';
import { readNotificationConfig } from '../../notification/config.ts';
import { createNotification } from '../../notification/service.ts';
import { TestClient } from '../../notification/testing/test-client.ts';
import { readWorkerConfig } from '../../worker/config.ts';
import { createWorker } from '../../worker/service.ts';

export const TOKEN = 'a-token-that-only-tests-know';

/** The real services in this process, on a vhost and a store of their own; those that were started end with each test. */
export interface GivenSystem {
  readonly exporter: InMemorySpanExporter;
  readonly store: ObjectStore;
  api(): Promise<string>;
  worker(): Promise<void>;
  monitoring(): Promise<void>;
  /** What somebody does who empties the queue of jobs by hand. */
  purgeJobs(): Promise<void>;
  /** A client that is told of all jobs. */
  subscriber(): Promise<TestClient>;
  /** Uploads one image and returns its job id. */
  upload(api: string, headers: Record<string, string>, fields?: Record<string, string>): Promise<string>;
}

/** @param isRecorded whether there is an SDK, as where an operator has switched tracing on */
export function givenSystem({ isRecorded }: { isRecorded: boolean }): GivenSystem {
  const exporter = new InMemorySpanExporter();
  const services: Service[] = [];
  const clients: TestClient[] = [];
  let vhost: Vhost;
  let folder: string;
  let store: ObjectStore;

  beforeAll(async () => {
    if (isRecorded) {
      const spanProcessors = [new SimpleSpanProcessor({ exporter })];
      trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors }));
    }
    vhost = await testVhost();
    folder = await mkdtemp(join(tmpdir(), 'tracing-test-'));
    store = openStore({ kind: 'folder', folder });
    await store.start();
  });
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
    await Promise.all(services.splice(0).map((service) => service.stop()));
    exporter.reset();
  });
  afterAll(async () => {
    trace.disable();
    await store.stop();
    await rm(folder, { recursive: true, force: true });
    await vhost.delete();
  });

  const environment = (own: Record<string, string>) => {
    const retryDelays = testRetryDelays.map(({ label }) => label).join(',');
    return {
      RABBITMQ_URL: vhost.amqpUrl,
      RETRY_DELAYS: retryDelays,
      WEBHOOK_RETRY_DELAYS: retryDelays,
      STORE: 'folder',
      STORE_FOLDER: folder,
      API_TOKEN: TOKEN,
      WEBHOOK_SECRET: `whsec_${randomBytes(32).toString('base64')}`,
      WEBHOOK_ALLOWED_HOSTS: '127.0.0.1',
      LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'silent',
      ...own,
    };
  };
  const start = async (service: Service): Promise<string> => {
    services.push(service);
    await service.start();
    const url = `http://127.0.0.1:${service.port}`;
    await vi.waitUntil(async () => (await fetch(`${url}/readyz`)).ok, { timeout: 25_000, interval: 20 });
    return url;
  };

  return {
    exporter,
    get store() {
      return store;
    },
    api: () => start(createApi(readApiConfig(environment({ API_PORT: '0' })))),
    async worker() {
      const own = { WORKER_PORT: '0', WORKER_NAME: 'worker-1', MAX_CONCURRENT_JOBS: '1' };
      await start(createWorker(readWorkerConfig(environment(own))));
    },
    async monitoring() {
      const own = {
        MONITORING_PORT: '0',
        RABBITMQ_MANAGEMENT_URL: vhost.managementUrl,
        STATUS_UPDATE_INTERVAL: '1',
        UPSTREAM_MIN_INTERVAL: '0',
      };
      await start(createMonitoring(readMonitoringConfig(environment(own))));
    },
    async purgeJobs() {
      const path = `queues/${vhost.name}/${queueNames.process}/contents`;
      await managementCall(inject('broker'), 'DELETE', path);
    },
    async subscriber() {
      const config = readNotificationConfig(environment({ NOTIFICATION_PORT: '0' }));
      const url = await start(createNotification(config));
      const client = await TestClient.open(Number(new URL(url).port));
      clients.push(client);
      client.watch('*');
      await client.next();
      return client;
    },
    async upload(api, headers, fields) {
      const body = form([{}], fields);
      const answer = await fetch(`${api}/upload`, { method: 'POST', body, headers });
      const { job_id } = (await answer.json()) as { job_id: string };
      return job_id;
    },
  };
}

/** What a client sends that has a trace of its own: its ids, and the header. */
export function clientTrace() {
  const traceId = randomBytes(16).toString('hex');
  const spanId = randomBytes(8).toString('hex');
  return { traceId, spanId, headers: { traceparent: `00-${traceId}-${spanId}-01` } };
}
