import type { Channel, ConsumeMessage } from 'amqplib';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { inTraceOf } from '../tracing/messaging.ts';
import { pause, withinDeadline } from '../waiting.ts';
import type { BrokerConnection } from './connection.ts';
import { PROBE_TYPE, type OutgoingMessage } from './publisher.ts';
import { copyOf, receivedMessage, type ReceivedMessage } from './received-message.ts';
import { SupervisedChannel } from './supervised-channel.ts';

export type { ReceivedMessage };

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
  /**
   * How long a message may be unsettled, in milliseconds; default: forever. Then the consumer publishes a copy to the queue
   * and acknowledges the message: otherwise RabbitMQ would take it back at its `consumer_timeout`, and count that towards
   * the delivery limit.
   */
  readonly holdMs?: number | undefined;
  /**
   * The consumer starts, and starts again after each loss of its channel, when this resolves: when what its handler needs is
   * available. Rejects when `signal` aborts.
   */
  readonly mayConsume?: ((signal: AbortSignal) => Promise<void>) | undefined;
  /** Called each time the consumer has started or started again. */
  readonly onConsuming?: () => void;
  /** Publishes a message and waits for the confirm. */
  readonly publish: (message: OutgoingMessage) => Promise<void>;
  /** Called when the broker cancels or refuses the consumer. */
  readonly onFailure: () => void;
  readonly log: Logger;
}

/** The usual `holdMs`: longer than any work takes, and well below RabbitMQ's default `consumer_timeout` of 30 minutes. */
export const HOLD_MS = 10 * 60_000;

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
      mayOpen: options.mayConsume,
      onFailure: options.onFailure,
      use: (channel, lost, abandon) => this.#consume(channel, lost, abandon),
    });
  }

  start(): Promise<void> {
    return this.#supervised.start();
  }

  /** True while the consumer is registered with the broker. */
  get isConsuming(): boolean {
    return this.#supervised.isSetUp;
  }

  /** Why the consumer is not registered with the broker, in the broker's words if they are known; undefined if it is. */
  get notConsumingBecause(): string | undefined {
    if (this.isConsuming) return undefined;
    const { failure } = this.#supervised;
    return `not consuming ${this.#options.queue}${failure === undefined ? '' : `: ${failure}`}`;
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
    else this.#options.onConsuming?.();
  }

  /** A call, because it may change during an await. */
  #isStopping(): boolean {
    return this.#stopping !== undefined;
  }

  async #handle(message: ConsumeMessage, channel: Channel, lost: AbortSignal): Promise<void> {
    const settlement = message.properties.type === PROBE_TYPE ? 'ack' : await this.#process(message, lost);
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

  /** Once there is a copy of the message, the result of its handler does not matter. */
  async #process(message: ConsumeMessage, lost: AbortSignal): Promise<Settlement> {
    const copied = new AbortController();
    const handled = new AbortController();
    const copying = this.#copyIfHeld(message, AbortSignal.any([lost, handled.signal]), copied);
    const signal = this.#options.holdMs === undefined ? lost : AbortSignal.any([lost, copied.signal]);
    const settlement = await this.#settlementOf(receivedMessage(message, signal));
    handled.abort();
    await copying;
    return copied.signal.aborted ? 'ack' : settlement;
  }

  /** Publishes a copy when the message has been held for too long; tries again as long as it is held. */
  async #copyIfHeld(message: ConsumeMessage, over: AbortSignal, copied: AbortController): Promise<void> {
    const { holdMs, publish, queue, log } = this.#options;
    while (holdMs !== undefined) {
      await pause(holdMs, over);
      if (over.aborted) return;
      try {
        await publish(copyOf(message, queue));
        log.warn(
          { queue, job_id: message.properties.correlationId as unknown },
          'held for too long: requeued',
        );
        copied.abort();
        return;
      } catch (error) {
        log.debug(
          { queue, reason: messageOf(error) },
          'could not requeue a message that is held for too long',
        );
      }
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
