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
  | 'hand-back';

const settleBy: Readonly<Record<Settlement, (channel: Channel, message: ConsumeMessage) => void>> = {
  ack: (channel, message) => channel.ack(message),
  'dead-letter': (channel, message) => channel.reject(message, false),
  // Not `nack`, which RabbitMQ 4.3 does not count.
  requeue: (channel, message) => channel.reject(message, true),
  'hand-back': (channel, message) => channel.nack(message, false, true),
};

/**
 * A message that its handler may settle itself, at any time: for code that holds many messages at once. Only the first
 * settlement counts; on a closed channel it does nothing.
 */
export interface Delivery extends ReceivedMessage {
  ack(): void;
  deadLetter(): void;
  giveBack(): void;
}

export interface ConsumerOptions {
  readonly connection: BrokerConnection;
  readonly queue: string;
  /** The maximum number of unsettled deliveries. */
  readonly prefetch: number;
  /**
   * Returns the settlement, which the consumer then carries out. One that returns nothing settles the delivery itself.
   * A throw means `requeue`, or `hand-back` while the consumer stops.
   */
  readonly onDelivery:
    ((delivery: Delivery) => Promise<Settlement>) | ((delivery: Delivery) => Promise<void>);
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
    const settle = settler(message, channel, lost);
    const settlement = await this.#settlementOf(deliveryOf(message, lost, settle));
    if (settlement === undefined) return;
    try {
      settle(settlement);
    } catch (error) {
      // The channel is closing: the broker redelivers the message.
      this.#options.log.debug({ queue: this.#options.queue, settlement, err: error }, 'settlement dropped');
    }
  }

  async #settlementOf(delivery: Delivery): Promise<Settlement | undefined> {
    const { queue, onDelivery, log } = this.#options;
    try {
      return (await onDelivery(delivery)) ?? undefined;
    } catch (error) {
      if (this.#isStopping()) return 'hand-back';
      if (!delivery.lost.aborted) {
        const about = { err: error, queue, job_id: delivery.correlationId };
        inTraceOf(delivery.headers, () =>
          log.error(about, `handling a delivery failed: ${messageOf(error)}`),
        );
      }
      return 'requeue';
    }
  }
}

type Settle = (settlement: Settlement) => void;

/** Settles a message once, and only on the channel that delivered it. */
function settler(message: ConsumeMessage, channel: Channel, lost: AbortSignal): Settle {
  let settled = false;
  return (settlement) => {
    if (settled || lost.aborted) return;
    settled = true;
    settleBy[settlement](channel, message);
  };
}

function deliveryOf(message: ConsumeMessage, lost: AbortSignal, settle: Settle): Delivery {
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
    ack: () => settle('ack'),
    deadLetter: () => settle('dead-letter'),
    giveBack: () => settle('hand-back'),
  };
}
