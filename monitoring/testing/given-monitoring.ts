import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Broker } from '@image-pipeline/shared/broker/broker.ts';
import { exchangeNames, queueNames, routingKeys } from '@image-pipeline/shared/broker/topology.ts';
import type { JobEvent } from '@image-pipeline/shared/contracts/event.ts';
import type { JobRequest } from '@image-pipeline/shared/contracts/job.ts';
import { snapshotSchema, type Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';
import { eventMessage } from '@image-pipeline/shared/jobs/event-follower.ts';
import { testBroker, testRetryDelays, testVhost } from '../../testing/test-broker.ts';
import { afterAll, afterEach, beforeAll, beforeEach, expect, vi } from 'vitest';
import type { Vhost } from '../../testing/vhost.ts';
import { readMonitoringConfig } from '../config.ts';
import { createMonitoring, type MonitoringLimits } from '../service.ts';

type Monitoring = ReturnType<typeof createMonitoring>;

export const TOKEN = '6d6f6e69746f72696e672d74657374';

/** Set-up shared by the tests of a file. Each test has its own vhost and store, because totals count everything. */
export interface Given {
  readonly vhost: Vhost;
  readonly storeFolder: string;
  publish(...events: JobEvent[]): Promise<void>;
  /** Publishes jobs to the job queue. */
  enqueue(...requests: JobRequest[]): Promise<void>;
  /** Consumes jobs like a worker with this name and number of slots, and never finishes any. */
  worker(name: string, slots: number): Promise<{ stop(): Promise<void> }>;
  /** A service that is still starting. */
  starting(env?: Record<string, string>, limits?: Partial<MonitoringLimits>): Promise<Monitoring>;
  /** A service that has caught up. */
  monitoring(env?: Record<string, string>, limits?: Partial<MonitoringLimits>): Promise<Monitoring>;
}

export function givenMonitoring(): Given {
  let vhost: Vhost;
  let folder: string;
  let broker: Broker;
  const services: Monitoring[] = [];
  const workers: { stop(): Promise<void> }[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'monitoring-test-'));
  });
  beforeEach(async () => {
    vhost = await testVhost();
    broker = testBroker(vhost.amqpUrl);
    await broker.start();
  });
  afterEach(async () => {
    await Promise.all(services.splice(0).map((service) => service.stop()));
    await Promise.all(workers.splice(0).map((worker) => worker.stop()));
    await broker.stop();
    await vhost.delete();
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const storeFolder = () => join(folder, vhost.name);
  const starting = async (
    env: Record<string, string> = {},
    limits: Partial<MonitoringLimits> = {},
  ): Promise<Monitoring> => {
    const retryDelays = testRetryDelays.map(({ label }) => label).join(',');
    const config = readMonitoringConfig({
      RABBITMQ_URL: vhost.amqpUrl,
      RABBITMQ_MANAGEMENT_URL: vhost.managementUrl,
      RETRY_DELAYS: retryDelays,
      WEBHOOK_RETRY_DELAYS: retryDelays,
      STORE: 'folder',
      STORE_FOLDER: storeFolder(),
      MONITORING_PORT: '0',
      STATUS_UPDATE_INTERVAL: '1',
      UPSTREAM_MIN_INTERVAL: '0',
      API_TOKEN: TOKEN,
      LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'silent',
      ...env,
    });
    const service = createMonitoring(config, limits);
    services.push(service);
    const started = service.start();
    started.catch(() => undefined);
    await vi.waitFor(() => expect(service.port).toBeGreaterThan(0), { interval: 5 });
    return service;
  };

  return {
    get vhost() {
      return vhost;
    },
    get storeFolder() {
      return storeFolder();
    },
    async publish(...events) {
      for (const event of events) await broker.publisher.publish(eventMessage(event));
    },
    async enqueue(...requests) {
      for (const request of requests) {
        await broker.publisher.publish({
          exchange: exchangeNames.jobs,
          routingKey: routingKeys.process,
          body: request,
          messageId: request.job_id,
          correlationId: request.job_id,
          type: 'job.process',
          contentType: 'application/json',
          headers: {},
        });
      }
    },
    async worker(name, slots) {
      const own = testBroker(vhost.amqpUrl, { name });
      await own.start();
      const stopping = Promise.withResolvers<undefined>();
      const consumer = own.consumer({
        queue: queueNames.process,
        prefetch: slots,
        onDelivery: async (delivery) => {
          await stopping.promise;
          delivery.giveBack();
        },
      });
      await consumer.start();
      let stopped: Promise<void> | undefined;
      const stop = async () => {
        stopping.resolve(undefined);
        await consumer.stop();
        await own.stop();
      };
      const worker = { stop: () => (stopped ??= stop()) };
      workers.push(worker);
      return worker;
    },
    starting,
    async monitoring(env, limits) {
      const service = await starting(env, limits);
      await untilStatus(service, ({ sources }) => expect(sources.events.state).toBe('ok'));
      return service;
    },
  };
}

export async function statusOf(service: Monitoring): Promise<Snapshot> {
  const response = await fetch(`http://127.0.0.1:${service.port}/status`, {
    signal: AbortSignal.timeout(1_000),
  });
  expect(response.status).toBe(200);
  return snapshotSchema.parse(await response.json());
}

/** The first snapshot for which `holds` does not throw. */
export async function untilStatus(
  service: Monitoring,
  holds: (snapshot: Snapshot) => void,
): Promise<Snapshot> {
  return vi.waitFor(
    async () => {
      const snapshot = await statusOf(service);
      holds(snapshot);
      return snapshot;
    },
    { timeout: 20_000, interval: 50 },
  );
}

export const get = (service: Monitoring, path: string) =>
  fetch(`http://127.0.0.1:${service.port}${path}`, { signal: AbortSignal.timeout(1_000) });

export const put = (service: Monitoring, body: string, token?: string) =>
  fetch(`http://127.0.0.1:${service.port}/interval`, {
    method: 'PUT',
    body,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  });
