import type { Channel, ConsumeMessage } from 'amqplib';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { inTraceOf } from '../tracing/messaging.ts';
import { withinDeadline } from '../waiting.ts';
import type { BrokerConnection } from './connection.ts';
import { SupervisedChannel } from './supervised-channel.ts';

/** A message as a handler receives it. */
export interface ReceivedMessage {
  readonly content: Buffer;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly correlationId: string | undefined;
  /** 1 for the first delivery, counted by the quorum queue. */
  readonly deliveryNumber: number;
  /** Aborts when the channel is closed: the message can no longer be settled, and the broker redelivers it. */
  readonly lost: AbortSignal;
}

/** What becomes of a message when its handler has finished. */
export type Settlement =
  /** It leaves the queue. */
  | 'ack'
  /** The broker moves it to the dead-letter exchange. */
  | 'dead-letter'
  /** Back into the queue, and counted towards the delivery limit: the work failed. */
  | 'requeue'
  /** Back into the queue: the work was not done. RabbitMQ 4.3 does not count it towards the delivery limit. */
  | 'hand-back'
  /** Unsettled until the consumer stops: RabbitMQ then requeues all of these in their order. */
  | 'keep';

const settleBy: Readonly<Record<Settlement, (channel: Channel, message: ConsumeMessage) => void>> = {
  ack: (channel, message) => channel.ack(message),
  'dead-letter': (channel, message) => channel.reject(message, false),
  // Not `nack`, which RabbitMQ 4.3 does not count.
  requeue: (channel, message) => channel.reject(message, true),
  'hand-back': (channel, message) => channel.nack(message, false, true),
  keep: () => undefined,
};

export interface ConsumerOptions {
  readonly connection: BrokerConnection;
  readonly queue: string;
  /** The maximum number of unsettled deliveries. */
  readonly prefetch: number;
  /**
   * Returns the settlement, which the consumer then carries out. A throw means `requeue`, or `hand-back` while the
   * consumer stops.
   */
  readonly onDelivery: (message: ReceivedMessage) => Promise<Settlement>;
  readonly log: Logger;
}

/** Consumes a queue while it is started; resumes after every loss of channel or connection. */
export class Consumer {
  readonly #options: ConsumerOptions;
  readonly #supervised: SupervisedChannel;
  readonly #inFlight = new Set<Promise<void>>();
  #consumerTag: string | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: ConsumerOptions) {
    this.#options = options;
    this.#supervised = new SupervisedChannel({
      connection: options.connection,
      name: `consumer of ${options.queue}`,
      log: options.log,
      use: (channel, lost, abandon) => this.#consume(channel, lost, abandon),
    });
  }

  start(): Promise<void> {
    return this.#supervised.start();
  }

  /** True while the consumer is registered with the broker. */
  get isConsuming(): boolean {
    return this.#supervised.channel !== undefined;
  }

  /** Deliveries whose handlers have not finished. */
  get inFlight(): number {
    return this.#inFlight.size;
  }

  /**
   * Cancels the consumer, waits for the deliveries in flight, then closes the channel, which hands back the rest.
   * @param patienceMs how long to wait for those in flight
   */
  stop(patienceMs = Infinity): Promise<void> {
    this.#stopping ??= this.#stop(patienceMs);
    return this.#stopping;
  }

  async #stop(patienceMs: number): Promise<void> {
    const channel = this.#supervised.channel;
    if (channel !== undefined && this.#consumerTag !== undefined) {
      await channel.cancel(this.#consumerTag).catch(() => undefined);
    }
    const settled = Promise.allSettled(this.#inFlight);
    if (patienceMs === Infinity) await settled;
    else await withinDeadline(patienceMs, () => settled).catch(() => undefined);
    await this.#supervised.stop();
  }

  async #consume(channel: Channel, lost: AbortSignal, abandon: (reason: string) => void): Promise<void> {
    const { queue, prefetch } = this.#options;
    await channel.prefetch(prefetch);
    if (this.#isStopping()) return;
    const { consumerTag } = await channel.consume(queue, (message) => {
      if (message === null) {
        abandon('RabbitMQ cancelled the consumer');
        return;
      }
      const handled: Promise<void> = this.#handle(message, channel, lost).finally(() =>
        this.#inFlight.delete(handled),
      );
      this.#inFlight.add(handled);
    });
    this.#consumerTag = consumerTag;
    if (this.#isStopping()) await channel.cancel(consumerTag);
  }

  /** A call, because it may change during an await. */
  #isStopping(): boolean {
    return this.#stopping !== undefined;
  }

  async #handle(message: ConsumeMessage, channel: Channel, lost: AbortSignal): Promise<void> {
    const settlement = await this.#settlementOf(receivedMessage(message, lost));
    if (lost.aborted) return;
    try {
      settleBy[settlement](channel, message);
    } catch (error) {
      // The channel is closing: the broker redelivers the message.
      this.#options.log.debug(
        { queue: this.#options.queue, settlement, err: error },
        'could not settle: the channel is closing',
      );
    }
  }

  async #settlementOf(received: ReceivedMessage): Promise<Settlement> {
    const { queue, onDelivery, log } = this.#options;
    try {
      return await onDelivery(received);
    } catch (error) {
      if (this.#isStopping()) return 'hand-back';
      if (!received.lost.aborted) {
        const about = { err: error, queue, job_id: received.correlationId };
        inTraceOf(received.headers, () => log.error(about, `message handler failed: ${messageOf(error)}`));
      }
      return 'requeue';
    }
  }
}

function receivedMessage(message: ConsumeMessage, lost: AbortSignal): ReceivedMessage {
  const headers = message.properties.headers ?? {};
  const returns: unknown = headers['x-delivery-count'];
  const correlationId: unknown = message.properties.correlationId;
  return {
    content: message.content,
    headers,
    correlationId: typeof correlationId === 'string' ? correlationId : undefined,
    // RabbitMQ 4.3 does not count a hand-back by `nack`, but marks the message as redelivered.
    deliveryNumber: Math.max(
      (typeof returns === 'number' ? returns : 0) + 1,
      message.fields.redelivered ? 2 : 1,
    ),
    lost,
  };
}
