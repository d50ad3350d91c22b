import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobEvent } from '@image-pipeline/shared/contracts/event.ts';
import type { Broker } from '@image-pipeline/shared/broker/broker.ts';
import { eventMessage } from '@image-pipeline/shared/jobs/event-follower.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { openStore } from '@image-pipeline/shared/store/open-store.ts';
import { testBroker, testRetryDelays, testVhost } from '../../testing/test-broker.ts';
import { afterAll, afterEach, beforeAll, expect, inject, vi } from 'vitest';
import { managementCall } from '../../testing/management-call.ts';
import type { Vhost } from '../../testing/vhost.ts';
import { readNotificationConfig } from '../config.ts';
import { createNotification, type NotificationOptions } from '../service.ts';
import { TestClient } from './test-client.ts';

type Notification = ReturnType<typeof createNotification>;

/** Shared by the tests of a file: a vhost, a store, a publisher of events; and services that stop after each test. */
export interface Given {
  readonly vhost: Vhost;
  readonly store: ObjectStore;
  /** Publishes as api and workers do: one after the other, each confirmed. */
  publish(...events: JobEvent[]): Promise<void>;
  /** A replica of the service, not started. */
  unstarted(env?: Record<string, string>, options?: Partial<NotificationOptions>): Notification;
  /** One that has caught up. */
  notification(env?: Record<string, string>, options?: Partial<NotificationOptions>): Promise<Notification>;
  client(service: Notification, query?: string): Promise<TestClient>;
  /** A client that has received the current state of the job, or of all. */
  subscriber(service: Notification, jobId: string): Promise<TestClient>;
  /** The broker's URL with a user that has a strong password, as production requires. */
  urlOfOwnUser(): Promise<string>;
}

export function givenNotification(): Given {
  let vhost: Vhost;
  let folder: string;
  let store: ObjectStore;
  let broker: Broker;
  const services: Notification[] = [];
  const clients: TestClient[] = [];
  const users: string[] = [];

  beforeAll(async () => {
    vhost = await testVhost();
    folder = await mkdtemp(join(tmpdir(), 'notification-test-'));
    store = openStore({ kind: 'folder', folder });
    await store.start();
    broker = testBroker(vhost.amqpUrl);
    await broker.start();
  });
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
    await Promise.all(services.splice(0).map((service) => service.stop()));
  });
  afterAll(async () => {
    for (const user of users) await managementCall(inject('broker'), 'DELETE', `users/${user}`);
    await broker.stop();
    await store.stop();
    await rm(folder, { recursive: true, force: true });
    await vhost.delete();
  });

  const create = (
    env: Record<string, string> = {},
    options: Partial<NotificationOptions> = {},
  ): Notification => {
    const retryDelays = testRetryDelays.map(({ label }) => label).join(',');
    const config = readNotificationConfig({
      RABBITMQ_URL: vhost.amqpUrl,
      RETRY_DELAYS: retryDelays,
      WEBHOOK_RETRY_DELAYS: retryDelays,
      STORE: 'folder',
      STORE_FOLDER: folder,
      NOTIFICATION_PORT: '0',
      LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'silent',
      ...env,
    });
    const service = createNotification(config, options);
    services.push(service);
    return service;
  };
  const open = async (service: Notification, query?: string): Promise<TestClient> => {
    const client = await TestClient.open(service.port, query);
    clients.push(client);
    return client;
  };

  return {
    get vhost() {
      return vhost;
    },
    get store() {
      return store;
    },
    async publish(...events) {
      for (const event of events) await broker.publisher.publish(eventMessage(event));
    },
    unstarted: create,
    async notification(env, options) {
      const service = create(env, options);
      await service.start();
      await untilReady(service);
      return service;
    },
    client: open,
    async subscriber(service, jobId) {
      const client = await open(service, `?job_id=${jobId}`);
      await client.next();
      return client;
    },
    async urlOfOwnUser() {
      const [user, password] = [randomUUID(), randomUUID()];
      const anything = { configure: '.*', write: '.*', read: '.*' };
      await managementCall(inject('broker'), 'PUT', `users/${user}`, { password, tags: '' });
      users.push(user);
      await managementCall(inject('broker'), 'PUT', `permissions/${vhost.name}/${user}`, anything);
      const url = new URL(vhost.amqpUrl);
      url.username = user;
      url.password = password;
      return url.href;
    },
  };
}

export async function untilReady(service: Notification): Promise<void> {
  await vi.waitFor(
    async () => {
      const response = await fetch(`http://127.0.0.1:${service.port}/readyz`);
      expect(await response.json()).toEqual({ status: 'ready' });
    },
    { timeout: 20_000, interval: 20 },
  );
}
