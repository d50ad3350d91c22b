import { EventEmitter } from 'node:events';
import type { Startable } from '../lifecycle.ts';
import type { Logger } from '../log.ts';
import { BrokerConnection, type ConnectionTimeouts } from './connection.ts';
import { Consumer, type ConsumerOptions } from './consumer.ts';
import type { BrokerMisconfigured } from './misconfiguration.ts';
import { declareTopology } from './declare-topology.ts';
import { Publisher } from './publisher.ts';
import { QueueInspector } from './queue-inspector.ts';
import { Subscription, type SubscriptionOptions } from './subscription.ts';
import { removeRetiredQueues } from './retired-queues.ts';
import { StreamReader, type StreamReaderOptions } from './stream-reader.ts';
import { TopologyGuard } from './topology-guard.ts';
import type { Topology } from './topology.ts';

export interface BrokerOptions {
  /** `amqp://user:password@host:port/vhost` of each node. */
  readonly urls: readonly string[];
  /** Connection name, e.g. `worker-1`; shown in the management UI. */
  readonly name: string;
  /** The AMQP property `appId` of published messages, e.g. `worker`. */
  readonly appId: string;
  readonly topology: Topology;
  /** Whether its user must be able to declare the topology; default: true. Otherwise, another service may do so. */
  readonly ownsTopology?: boolean;
  readonly timeouts: ConnectionTimeouts & { readonly confirmMs: number };
  readonly maxPublishesInFlight: number;
  /** Seconds between two checks of the topology; default 5. */
  readonly checkTopologyEverySeconds?: number;
  readonly log: Logger;
}

interface BrokerEvents {
  /** The broker rejects the configuration, so retrying cannot help. */
  fatal: [BrokerMisconfigured];
}

const KEPT =
  'the queue was declared by an earlier version: it works, but the management UI cannot get its messages. It is redeclared once it is empty: replay or remove its dead letters';

/**
 * The broker as a service uses it. It has two connections, because an alarm blocks all traffic of a connection that
 * publishes: acknowledgements must not wait behind publishes.
 */
export class Broker extends EventEmitter<BrokerEvents> implements Startable {
  readonly publisher: Publisher;
  readonly queues: QueueInspector;
  readonly #publishing: BrokerConnection;
  readonly #consuming: BrokerConnection;
  readonly #topology: TopologyGuard;
  readonly #log: Logger;

  constructor(options: BrokerOptions) {
    super();
    const { urls, name, topology, ownsTopology = true, timeouts, log } = options;
    this.#log = log;
    this.#publishing = new BrokerConnection({
      urls,
      name: `${name} publish`,
      timeouts,
      log,
      setup: async (model) => {
        for (const queue of await declareTopology(model, topology, ownsTopology)) log.warn({ queue }, KEPT);
      },
    });
    this.#consuming = new BrokerConnection({ urls, name: `${name} consume`, timeouts, log });
    for (const connection of [this.#publishing, this.#consuming]) {
      connection.on('fatal', (error) => this.emit('fatal', error));
    }
    this.#topology = new TopologyGuard({
      connection: this.#consuming,
      topology,
      ownsTopology,
      checkEverySeconds: options.checkTopologyEverySeconds,
      log,
    });
    this.publisher = new Publisher({
      connection: this.#publishing,
      appId: options.appId,
      maxInFlight: options.maxPublishesInFlight,
      maxWaiting: options.maxPublishesInFlight * 10,
      confirmTimeoutMs: timeouts.confirmMs,
      onUnroutable: () => this.#topology.check(),
    });
    this.queues = new QueueInspector(this.#consuming, log);
  }

  /** Waits for the broker and declares the topology. @throws BrokerMisconfigured */
  async start(): Promise<void> {
    await this.#publishing.start();
    await this.#consuming.start();
    await this.queues.start();
    await this.#topology.start();
  }

  /** Why messages cannot be published or consumed at the moment, in the broker's words; undefined if they can. */
  get unavailableBecause(): string | undefined {
    if (this.#publishing.state === 'blocked')
      return 'RabbitMQ blocks publishers: a memory or disk alarm is active';
    return (
      this.#publishing.downBecause ??
      this.#consuming.downBecause ??
      this.#topology.incompleteBecause ??
      this.publisher.refusedBecause
    );
  }

  /** The version of RabbitMQ, e.g. `4.1.2`; undefined before the first connection. */
  get serverVersion(): string | undefined {
    return this.#consuming.serverVersion;
  }

  /** A consumer that does not start during an alarm: its handler could not publish, and would hold messages. */
  consumer(options: Omit<ConsumerOptions, 'connection' | 'publish' | 'onFailure' | 'log'>): Consumer {
    return new Consumer({
      ...options,
      connection: this.#consuming,
      mayConsume: async (signal) => {
        await this.#publishing.whenUnblocked(signal);
        await options.mayConsume?.(signal);
      },
      publish: (message) => this.publisher.publish(message),
      onFailure: () => this.#topology.check(),
      log: this.#log,
    });
  }

  streamReader(options: Omit<StreamReaderOptions, 'connection' | 'onFailure' | 'log'>): StreamReader {
    const onFailure = () => this.#topology.check();
    return new StreamReader({ ...options, connection: this.#consuming, onFailure, log: this.#log });
  }

  subscription(options: Omit<SubscriptionOptions, 'connection' | 'log'>): Subscription {
    return new Subscription({ ...options, connection: this.#consuming, log: this.#log });
  }

  /** Moves the messages of queues that only an earlier version had. Call it after `start`, in one service. */
  removeRetiredQueues(): Promise<void> {
    return removeRetiredQueues({
      connection: this.#consuming,
      publish: (message) => this.publisher.publish(message),
      log: this.#log,
    });
  }

  async stop(): Promise<void> {
    await this.#topology.stop();
    await this.publisher.drain();
    await this.queues.stop();
    await this.#consuming.stop();
    await this.#publishing.stop();
  }
}
