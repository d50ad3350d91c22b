import PQueue from 'p-queue';
import { v7 as uuidv7 } from 'uuid';
import { messageOf } from '../errors.ts';
import { publishInSpan } from '../tracing/messaging.ts';
import { retryWithBackoff, withinDeadline } from '../waiting.ts';
import { reconnectBackoff, type BrokerConnection } from './connection.ts';
import {
  PublishChannel,
  PublishRefused,
  PublishUnconfirmed,
  type OutgoingMessage,
} from './publish-channel.ts';
import { Refusals } from './refusals.ts';
import type { Destination } from './topology.ts';

export { PublishRefused, PublishUnconfirmed, type OutgoingMessage };

export interface PublisherOptions {
  readonly connection: BrokerConnection;
  /** Who publishes, e.g. `api`: the AMQP property `appId`. */
  readonly appId: string;
  /** Maximum number of unconfirmed publishes; further ones queue here. */
  readonly maxInFlight: number;
  /** Maximum number of publishes that queue here; further ones are rejected. */
  readonly maxWaiting: number;
  readonly confirmTimeoutMs: number;
  /** Called when the broker has no exchange or queue for a message. */
  readonly onUnroutable: () => void;
}

/** The AMQP property `type` of a message that every consumer discards; see Refusals. */
export const PROBE_TYPE = 'probe';

/**
 * Publishes durable, mandatory messages with publisher confirms. It never repeats a publish by itself: only the caller
 * knows whether a repeat is safe.
 */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #inFlight: PQueue;
  readonly #refusals: Refusals;
  #channel: Promise<PublishChannel> | undefined;

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#refusals = new Refusals({
      probe: (destination) => {
        this.#renewChannel();
        return this.#confirm(probeFor(destination));
      },
    });
    this.#inFlight = new PQueue({ concurrency: options.maxInFlight });
    options.connection.on('state', (state) => {
      if (state === 'down') this.#channel = undefined;
      // The connection itself reports why nothing can be published now; afterwards everything may be different.
      this.#refusals.forget();
    });
  }

  /** Publishes that are not settled yet. */
  get unsettled(): number {
    return this.#inFlight.size + this.#inFlight.pending;
  }

  /** Why messages of some kind are not accepted, in the broker's words; undefined if all are. */
  get refusedBecause(): string | undefined {
    return this.#refusals.reason;
  }

  /**
   * Resolves when every queue that the message was routed to has stored it.
   * @throws PublishRefused nacked, returned as unroutable, or not sent
   * @throws PublishUnconfirmed sent, but not confirmed within `confirmTimeoutMs` or before the connection was lost
   */
  async publish(message: OutgoingMessage): Promise<void> {
    if (this.#inFlight.size >= this.#options.maxWaiting) {
      throw new PublishRefused(`Too many messages are waiting for RabbitMQ (${this.#inFlight.size}).`);
    }
    await publishInSpan(message, (headers) => this.#inFlight.add(() => this.#send({ ...message, headers })));
  }

  /**
   * Publishes a message that may be unroutable.
   * @returns whether a queue has stored it
   * @throws PublishRefused, PublishUnconfirmed
   */
  publishIfBound(message: OutgoingMessage): Promise<boolean> {
    return this.#inFlight.add(() => this.#route(message));
  }

  /** Waits until all publishes are settled; probes end. */
  async drain(): Promise<void> {
    this.#refusals.forget();
    await this.#inFlight.onIdle();
  }

  async #send(message: OutgoingMessage): Promise<void> {
    const { connection } = this.#options;
    try {
      await this.#confirm(message);
      this.#refusals.accepted(message);
    } catch (error) {
      // An alarm or a lost connection is reported by the connection itself.
      if (connection.state === 'up') this.#refusals.failed(message, messageOf(error));
      throw error;
    }
  }

  async #confirm(message: OutgoingMessage): Promise<void> {
    if (await this.#route(message)) return;
    this.#options.onUnroutable();
    const { exchange, routingKey } = message;
    throw new PublishRefused(`no queue is bound to exchange "${exchange}" for "${routingKey}"`);
  }

  /** @returns false if no queue is bound for the message */
  async #route(message: OutgoingMessage): Promise<boolean> {
    const { connection, confirmTimeoutMs } = this.#options;
    if (connection.state === 'blocked')
      throw new PublishRefused('RabbitMQ blocks publishers: an alarm is active');
    if (connection.state === 'down') throw new PublishRefused('no connection to RabbitMQ');
    const channel = await this.#openChannel();
    return withinDeadline(
      confirmTimeoutMs,
      () => channel.publish(message, this.#options.appId),
      () => new PublishUnconfirmed(`RabbitMQ did not confirm the message within ${confirmTimeoutMs} ms`),
    );
  }

  async #openChannel(): Promise<PublishChannel> {
    const opening = (this.#channel ??= this.#createChannel());
    try {
      return await opening;
    } catch (error) {
      this.#forget(opening);
      throw new PublishRefused(`cannot open a channel: ${messageOf(error)}`, error);
    }
  }

  async #createChannel(): Promise<PublishChannel> {
    const channel = await this.#options.connection.createConfirmChannel();
    const opened = this.#channel;
    return new PublishChannel(channel, (words) => {
      this.#forget(opened);
      if (words?.includes('NOT_FOUND') === true) this.#options.onUnroutable();
    });
  }

  /** The next publish opens a new channel, unless that has happened already. */
  #forget(channel: Promise<PublishChannel> | undefined): void {
    if (this.#channel === channel) this.#channel = undefined;
  }

  /**
   * Later publishes use a new channel. RabbitMQ caches permissions for each channel, and a quorum queue that has rejected a
   * message of a channel goes on rejecting them after the policy is lifted.
   */
  #renewChannel(): void {
    const { confirmTimeoutMs } = this.#options;
    const old = this.#channel;
    this.#forget(old);
    old?.then((channel) => channel.close(confirmTimeoutMs)).catch(() => undefined);
  }
}

function probeFor({ exchange, routingKey }: Destination): OutgoingMessage {
  return {
    exchange,
    routingKey,
    body: { version: 1 },
    messageId: uuidv7(),
    correlationId: PROBE_TYPE,
    type: PROBE_TYPE,
    contentType: 'application/json',
  };
}

/**
 * Publishes repeatedly until the broker confirms: only for messages that may arrive twice. Tries at least once, and
 * rejects with the last error after `signal` has aborted.
 */
export async function publishUntilConfirmed(
  publisher: Pick<Publisher, 'publish'>,
  message: OutgoingMessage,
  signal: AbortSignal,
): Promise<void> {
  await retryWithBackoff(
    () => publisher.publish(message),
    reconnectBackoff,
    signal,
    (error) => {
      if (!(error instanceof PublishRefused || error instanceof PublishUnconfirmed)) throw error;
    },
  );
}
