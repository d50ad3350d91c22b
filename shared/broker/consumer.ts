import { setTimeout as sleep } from 'node:timers/promises';
import type { Channel, ConsumeMessage } from 'amqplib';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { inTraceOf } from '../tracing/messaging.ts';
import type { BrokerConnection } from './connection.ts';
import { SupervisedChannel } from './supervised-channel.ts';

/** A message in hand. Settling it on a channel that is gone does nothing: the broker delivers it again. */
export interface Delivery {
  readonly content: Buffer;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly correlationId: string | undefined;
  /** 1 for the first delivery, counted by the quorum queue. */
  readonly deliveryNumber: number;
  /** Aborts when the channel is gone, and with it the right to settle. */
  readonly lost: AbortSignal;
  ack(): void;
  /** To the dead letter exchange. */
  deadLetter(): void;
  /** Back into the queue, without blame: the work was not done. */
  giveBack(): void;
  /** Back into the queue, counted towards its delivery limit: the work failed. RabbitMQ 4.3 counts no nack. */
  returnFailed(): void;
}

export interface ConsumerOptions {
  readonly connection: BrokerConnection;
  readonly queue: string;
  /** Deliveries that may be in hand at once. */
  readonly prefetch: number;
  /** Must settle the delivery; one that it throws over goes back into the queue, counted as failed. */
  readonly onDelivery: (delivery: Delivery) => Promise<void>;
  readonly log: Logger;
}

/** Consumes a queue for as long as it is started, over every loss of channel and connection. */
export class Consumer {
  readonly #options: ConsumerOptions;
  readonly #supervised: SupervisedChannel;
  readonly #inHand = new Set<Promise<void>>();
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

  /** True while the broker knows this consumer. */
  get isConsuming(): boolean {
    return this.#supervised.channel !== undefined;
  }

  get inHand(): number {
    return this.#inHand.size;
  }

  /**
   * Takes no more deliveries, waits for those in hand, then closes the channel, which gives back any left.
   * @param patienceMs how long to wait for those in hand
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
    const settled = Promise.allSettled(this.#inHand);
    if (patienceMs === Infinity) await settled;
    else await Promise.race([settled, sleep(patienceMs, undefined, { ref: false })]);
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
        this.#inHand.delete(handled),
      );
      this.#inHand.add(handled);
    });
    this.#consumerTag = consumerTag;
    if (this.#isStopping()) await channel.cancel(consumerTag);
  }

  /** May have become true during an await. */
  #isStopping(): boolean {
    return this.#stopping !== undefined;
  }

  async #handle(message: ConsumeMessage, channel: Channel, lost: AbortSignal): Promise<void> {
    const { queue, onDelivery, log } = this.#options;
    const delivery = deliveryOf(message, channel, lost);
    try {
      await onDelivery(delivery);
    } catch (error) {
      if (this.#isStopping()) {
        delivery.giveBack();
        return;
      }
      if (!lost.aborted) {
        const about = { err: error, queue, job_id: delivery.correlationId };
        inTraceOf(delivery.headers, () =>
          log.error(about, `handling a delivery failed: ${messageOf(error)}`),
        );
      }
      delivery.returnFailed();
    }
  }
}

function deliveryOf(message: ConsumeMessage, channel: Channel, lost: AbortSignal): Delivery {
  const headers = message.properties.headers ?? {};
  const returns: unknown = headers['x-delivery-count'];
  const correlationId: unknown = message.properties.correlationId;
  let settled = false;
  const settle = (act: () => void) => () => {
    if (settled || lost.aborted) return;
    settled = true;
    act();
  };
  return {
    content: message.content,
    headers,
    correlationId: typeof correlationId === 'string' ? correlationId : undefined,
    // RabbitMQ 4.3 counts no hand-back by `nack`, but says that it is a redelivery.
    deliveryNumber: Math.max(
      (typeof returns === 'number' ? returns : 0) + 1,
      message.fields.redelivered ? 2 : 1,
    ),
    lost,
    ack: settle(() => channel.ack(message)),
    deadLetter: settle(() => channel.reject(message, false)),
    giveBack: settle(() => channel.nack(message, false, true)),
    returnFailed: settle(() => channel.reject(message, true)),
  };
}
