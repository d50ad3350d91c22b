import { EventEmitter } from 'node:events';
import type { ChannelModel } from 'amqplib';
import type { Startable } from '../lifecycle.ts';
import type { Logger } from '../log.ts';
import { BrokerConnection, type ConnectionTimeouts } from './connection.ts';
import { Consumer, type ConsumerOptions } from './consumer.ts';
import type { BrokerMisconfigured } from './misconfiguration.ts';
import { Publisher } from './publisher.ts';
import { QueueInspector } from './queue-inspector.ts';
import { StreamReader, type StreamReaderOptions } from './stream-reader.ts';
import type { Topology } from './topology.ts';

export interface BrokerOptions {
  /** `amqp://user:password@host:port/vhost` of each node. */
  readonly urls: readonly string[];
  /** Connection name, e.g. `worker-1`; shown in the management UI. */
  readonly name: string;
  /** The AMQP property `appId` of published messages, e.g. `worker`. */
  readonly appId: string;
  readonly topology: Topology;
  readonly timeouts: ConnectionTimeouts & { readonly confirmMs: number };
  readonly maxPublishesInFlight: number;
  readonly log: Logger;
}

interface BrokerEvents {
  /** The broker rejects the configuration, so retrying cannot help. */
  fatal: [BrokerMisconfigured];
}

/**
 * The broker as a service uses it. It has two connections, because an alarm blocks all traffic of a connection that
 * publishes: acknowledgements must not wait behind publishes.
 */
export class Broker extends EventEmitter<BrokerEvents> implements Startable {
  readonly publisher: Publisher;
  readonly queues: QueueInspector;
  readonly #publishing: BrokerConnection;
  readonly #consuming: BrokerConnection;
  readonly #log: Logger;

  constructor(options: BrokerOptions) {
    super();
    const { urls, name, topology, timeouts, log } = options;
    this.#log = log;
    this.#publishing = new BrokerConnection({
      urls,
      name: `${name} publish`,
      timeouts,
      log,
      setup: (model) => declareTopology(model, topology),
    });
    this.#consuming = new BrokerConnection({ urls, name: `${name} consume`, timeouts, log });
    for (const connection of [this.#publishing, this.#consuming]) {
      connection.on('fatal', (error) => this.emit('fatal', error));
    }
    this.publisher = new Publisher({
      connection: this.#publishing,
      appId: options.appId,
      maxInFlight: options.maxPublishesInFlight,
      maxWaiting: options.maxPublishesInFlight * 10,
      confirmTimeoutMs: timeouts.confirmMs,
    });
    this.queues = new QueueInspector(this.#consuming, log);
  }

  /** Waits for the broker and declares the topology. @throws BrokerMisconfigured */
  async start(): Promise<void> {
    await this.#publishing.start();
    await this.#consuming.start();
    await this.queues.start();
  }

  /** Why nothing can be published at the moment, or undefined if it can. */
  get unavailableBecause(): string | undefined {
    if (this.#publishing.state === 'blocked')
      return 'RabbitMQ blocks publishers: a memory or disk alarm is active';
    if (this.#publishing.state === 'down' || this.#consuming.state === 'down')
      return 'no connection to RabbitMQ';
    return undefined;
  }

  /** The version of RabbitMQ, e.g. `4.1.2`; undefined before the first connection. */
  get serverVersion(): string | undefined {
    return this.#consuming.serverVersion;
  }

  consumer(options: Omit<ConsumerOptions, 'connection' | 'log'>): Consumer {
    return new Consumer({ ...options, connection: this.#consuming, log: this.#log });
  }

  streamReader(options: Omit<StreamReaderOptions, 'connection' | 'log'>): StreamReader {
    return new StreamReader({ ...options, connection: this.#consuming, log: this.#log });
  }

  async stop(): Promise<void> {
    await this.publisher.drain();
    await this.queues.stop();
    await this.#consuming.stop();
    await this.#publishing.stop();
  }
}

/**
 * Asserts every exchange, queue and binding; existing ones with the same arguments are left unchanged.
 * @throws Error of amqplib (406) if one exists with other arguments
 */
async function declareTopology(model: ChannelModel, topology: Topology): Promise<void> {
  const channel = await model.createChannel();
  channel.on('error', () => undefined);
  for (const exchange of topology.exchanges) {
    await channel.assertExchange(exchange.name, exchange.type, { durable: true });
  }
  for (const queue of topology.queues) {
    await channel.assertQueue(queue.name, { durable: true, arguments: queue.arguments });
    for (const binding of queue.bindings) {
      await channel.bindQueue(queue.name, binding.exchange, binding.routingKey);
    }
  }
  await channel.close();
}
