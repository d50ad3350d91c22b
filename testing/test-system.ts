import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import type { Broker } from '@image-pipeline/shared/broker/broker.ts';
import type {
  Consumer,
  ConsumerOptions,
  ReceivedMessage,
  Settlement,
} from '@image-pipeline/shared/broker/consumer.ts';
import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import type { Service } from '@image-pipeline/shared/service.ts';
import { afterAll, afterEach, beforeAll, beforeEach, expect, vi } from 'vitest';
import { ApiClient } from './api-client.ts';
import { createApi, createMonitoring, createNotification, createWorker } from './create-service.ts';
import { untilStatus } from './monitoring-client.ts';
import { RawClient } from './raw-client.ts';
import { SocketClient } from './socket-client.ts';
import { TcpProxy } from './tcp-proxy.ts';
import { testBroker } from './test-broker.ts';
import { TestPlace } from './test-place.ts';

/** An API in this process, and a client of it. */
export class TestApi extends ApiClient implements Service {
  readonly #service: Service;

  constructor(service: Service) {
    super(service);
    this.#service = service;
  }

  get failed(): Promise<Error> {
    return this.#service.failed;
  }

  start(): Promise<void> {
    return this.#service.start();
  }

  stop(): Promise<void> {
    return this.#service.stop();
  }
}

type Given<Create extends (place: TestPlace, ...given: never[]) => unknown> =
  Parameters<Create> extends [TestPlace, ...infer Rest] ? Partial<Rest> : never;

/**
 * The services of the system in this process, on a vhost and a folder store of their own:
 *
 *     const system = setUpSystem();
 *
 *     it('…', async () => {
 *       const api = await system.startApi({ MAX_FILES: 2 });
 *
 * Services, clients, consumers and proxies end with the test that started them. A connection to the broker or a
 * temporary file that is left then fails the test.
 * @param lifetime of vhost and store: all tests of the file share them, or each test has its own
 */
export function setUpSystem({ lifetime = 'file' }: { lifetime?: 'file' | 'test' } = {}): TestSystem {
  const system = new TestSystem();
  const isPerTest = lifetime === 'test';
  (isPerTest ? beforeEach : beforeAll)(() => system.open());
  afterEach(async () => {
    await system.endTest();
    if (isPerTest) await system.close();
  });
  if (!isPerTest) afterAll(() => system.close());
  return system;
}

export class TestSystem extends TestPlace {
  #ofTest = new AsyncDisposableStack();

  /** Resolves when it listens; it connects to broker and store in the background. */
  async beginApi(...[settings = {}, limits]: Given<typeof createApi>): Promise<TestApi> {
    const api = new TestApi(this.#stopLater(await createApi(this, settings, limits)));
    await api.start();
    return api;
  }

  /** Resolves when it is ready. */
  async startApi(...given: Given<typeof createApi>): Promise<TestApi> {
    const api = await this.beginApi(...given);
    await untilReady(api);
    return api;
  }

  /** Not started. */
  async createNotification(...[settings = {}, options]: Given<typeof createNotification>): Promise<Service> {
    return this.#stopLater(await createNotification(this, settings, options));
  }

  /** Resolves when it has read the event log. */
  async startNotification(...given: Given<typeof createNotification>): Promise<Service> {
    return this.#start(await this.createNotification(...given));
  }

  /** Resolves when it listens; it continues to start. */
  async beginMonitoring(...[settings = {}, limits]: Given<typeof createMonitoring>): Promise<Service> {
    const service = this.#stopLater(await createMonitoring(this, settings, limits));
    service.start().catch(() => undefined);
    await vi.waitFor(() => expect(service.port).toBeGreaterThan(0), { interval: 5 });
    return service;
  }

  /** Resolves when it has read the event log. */
  async startMonitoring(...given: Given<typeof createMonitoring>): Promise<Service> {
    const service = await this.beginMonitoring(...given);
    await untilStatus(service, ({ sources }) => expect(sources.events.state).toBe('ok'));
    return service;
  }

  /** Not started. */
  async createWorker(...[settings = {}]: Given<typeof createWorker>): Promise<Service> {
    return this.#stopLater(await createWorker(this, settings));
  }

  /** Resolves when it consumes jobs. */
  async startWorker(...given: Given<typeof createWorker>): Promise<Service> {
    return this.#start(await this.createWorker(...given));
  }

  /** A WebSocket client. @param query e.g. `?job_id=…` */
  async connect(notification: Service, query?: string): Promise<SocketClient> {
    const client = await SocketClient.open(notification.port, query);
    this.onTestEnd(() => client.close());
    return client;
  }

  /** A WebSocket client that has received the current state of the job, or of all (`*`). */
  async subscribe(notification: Service, jobId: string): Promise<SocketClient> {
    const client = await this.connect(notification, `?job_id=${jobId}`);
    await client.next();
    return client;
  }

  /** A client that sends these bytes, then nothing, and never closes the connection. */
  async silentClient({ port }: Service, ...bytes: readonly (string | Buffer)[]): Promise<RawClient> {
    const client = await RawClient.to(port);
    this.onTestEnd(() => {
      client.abort();
      return Promise.resolve();
    });
    client.socket.allowHalfOpen = true;
    for (const more of bytes) await client.send(more);
    return client;
  }

  /** A proxy before the host and port of `url`. */
  async proxyBefore(url: string): Promise<TcpProxy> {
    const proxy = await TcpProxy.before(url);
    this.onTestEnd(() => proxy.close());
    return proxy;
  }

  /** Consumes a queue. Deliveries without a settlement when it stops return to the queue. */
  async consume(
    queue: string,
    onDelivery: ConsumerOptions['onDelivery'],
    { prefetch = 1, broker = this.broker }: { prefetch?: number; broker?: Broker } = {},
  ): Promise<Consumer> {
    const consumer = broker.consumer({ queue, prefetch, onDelivery });
    this.onTestEnd(() => consumer.stop(0));
    await consumer.start();
    return consumer;
  }

  /** Takes the next messages off a queue. */
  async take(queue: string, count = 1): Promise<ReceivedMessage[]> {
    const taken: ReceivedMessage[] = [];
    const { promise: all, resolve } = Promise.withResolvers<undefined>();
    const onDelivery = (message: ReceivedMessage) => {
      // A later message returns to the queue when the consumer stops.
      if (taken.length === count) return Promise.resolve<Settlement>('keep');
      taken.push(message);
      if (taken.length === count) resolve(undefined);
      return Promise.resolve<Settlement>('ack');
    };
    const consumer = await this.consume(queue, onDelivery, { prefetch: count });
    await all;
    await consumer.stop(0);
    return taken;
  }

  /** Takes up to `slots` jobs, like a worker with this name, and finishes none. */
  async holdJobs(name: string, slots: number): Promise<Consumer> {
    const broker = testBroker(this.vhost.amqpUrl, { name });
    this.onTestEnd(() => broker.stop());
    await broker.start();
    const onDelivery = () => Promise.resolve<Settlement>('keep');
    return this.consume(queueNames.process, onDelivery, { prefetch: slots, broker });
  }

  /** Runs at the end of the test; what was added last runs first. */
  onTestEnd(cleanUp: () => Promise<void>): void {
    this.#ofTest.defer(cleanUp);
  }

  async endTest(): Promise<void> {
    const ofTest = this.#ofTest;
    this.#ofTest = new AsyncDisposableStack();
    await ofTest.disposeAsync();
    // Each test file runs in a process of its own.
    const prefix = `image-pipeline-upload-${process.pid}-`;
    const left = (await readdir(tmpdir())).filter((name) => name.startsWith(prefix));
    expect(left, 'temporary files left behind').toEqual([]);
  }

  #stopLater(service: Service): Service {
    this.onTestEnd(() => service.stop());
    return service;
  }

  async #start(service: Service): Promise<Service> {
    await service.start();
    await untilReady(service);
    return service;
  }
}

/** Resolves when `/readyz` reports that the service is ready. */
export async function untilReady({ port }: Service): Promise<void> {
  await vi.waitFor(
    async () => {
      const response = await fetch(`http://127.0.0.1:${port}/readyz`);
      expect(await response.json()).toMatchObject({ status: 'ready' });
    },
    { timeout: 25_000, interval: 20 },
  );
}
