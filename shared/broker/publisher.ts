import type { ConfirmChannel, Message } from 'amqplib';
import PQueue from 'p-queue';
import { PipelineError, messageOf } from '../errors.ts';
import { publishInSpan } from '../tracing/messaging.ts';
import { retryWithBackoff, withinDeadline } from '../waiting.ts';
import { reconnectBackoff, type BrokerConnection } from './connection.ts';

export interface OutgoingMessage {
  readonly exchange: string;
  readonly routingKey: string;
  /** Sent as JSON. */
  readonly body: unknown;
  /** Unique among the messages in flight: it identifies a returned message. */
  readonly messageId: string;
  /** The job id. */
  readonly correlationId: string;
  /** What kind of message it is, e.g. `job` or `job.completed`. */
  readonly type: string;
  readonly contentType: 'application/json' | 'application/cloudevents+json';
  readonly headers?: Readonly<Record<string, string | number>>;
  /** Message TTL in milliseconds, if shorter than the queue's own TTL. */
  readonly expirationMs?: number;
}

/** The message is not in any queue. */
export class PublishRefused extends PipelineError {
  override readonly name = 'PublishRefused';

  constructor(message: string, cause?: unknown) {
    super('broker_unavailable', message, { cause });
  }
}

/** RabbitMQ did not confirm the message: it may be in its queue, or may still arrive there. */
export class PublishUnconfirmed extends PipelineError {
  override readonly name = 'PublishUnconfirmed';

  constructor(message: string, cause?: unknown) {
    super('publish_unconfirmed', message, { cause });
  }
}

export interface PublisherOptions {
  readonly connection: BrokerConnection;
  /** Who publishes, e.g. `api`: the AMQP property `appId`. */
  readonly appId: string;
  /** Maximum number of unconfirmed publishes; further ones queue here. */
  readonly maxInFlight: number;
  /** Maximum number of publishes that queue here; further ones are rejected. */
  readonly maxWaiting: number;
  readonly confirmTimeoutMs: number;
}

/**
 * Publishes durable, mandatory messages with publisher confirms. It never repeats a publish by itself: only the caller
 * knows whether a repeat is safe.
 */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #inFlight: PQueue;
  readonly #returned = new Set<string>();
  readonly #closed = new WeakSet<ConfirmChannel>();
  #channel: Promise<ConfirmChannel> | undefined;

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#inFlight = new PQueue({ concurrency: options.maxInFlight });
    options.connection.on('state', (state) => {
      if (state === 'down') this.#channel = undefined;
    });
  }

  /** Publishes that are not settled yet. */
  get unsettled(): number {
    return this.#inFlight.size + this.#inFlight.pending;
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

  /** Waits until all publishes are settled. */
  async drain(): Promise<void> {
    await this.#inFlight.onIdle();
  }

  async #send(message: OutgoingMessage): Promise<void> {
    const { connection, confirmTimeoutMs } = this.#options;
    if (connection.state === 'blocked')
      throw new PublishRefused('RabbitMQ blocks publishers: an alarm is active');
    if (connection.state === 'down') throw new PublishRefused('no connection to RabbitMQ');
    const channel = await this.#openChannel();
    try {
      await withinDeadline(
        confirmTimeoutMs,
        () => this.#confirmed(channel, message),
        () => new PublishUnconfirmed(`RabbitMQ did not confirm the message within ${confirmTimeoutMs} ms`),
      );
      // The return of an unroutable message always comes before its confirm.
      if (this.#returned.has(message.messageId)) {
        const { exchange, routingKey } = message;
        throw new PublishRefused(`no queue is bound to exchange "${exchange}" for "${routingKey}"`);
      }
    } catch (error) {
      if (error instanceof PipelineError) throw error;
      throw new PublishRefused(`the channel is closed: ${messageOf(error)}`, error);
    } finally {
      this.#returned.delete(message.messageId);
    }
  }

  /** Sends the message. Resolves when the broker has confirmed it; rejects on a nack or on the loss of the channel. */
  #confirmed(channel: ConfirmChannel, message: OutgoingMessage): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    channel.publish(
      message.exchange,
      message.routingKey,
      Buffer.from(JSON.stringify(message.body)),
      {
        persistent: true,
        mandatory: true,
        appId: this.#options.appId,
        messageId: message.messageId,
        correlationId: message.correlationId,
        type: message.type,
        contentType: message.contentType,
        timestamp: Math.floor(Date.now() / 1000),
        headers: message.headers,
        ...(message.expirationMs === undefined ? {} : { expiration: message.expirationMs }),
      },
      (error: unknown) => {
        if (error === null || error === undefined) resolve(undefined);
        else reject(this.#publishError(error, channel));
      },
    );
    return promise;
  }

  /** A nack comes from the broker; an error on a closed channel only means that no confirm will arrive. */
  #publishError(error: unknown, channel: ConfirmChannel): PipelineError {
    return this.#closed.has(channel)
      ? new PublishUnconfirmed('lost the connection before RabbitMQ confirmed the message', error)
      : new PublishRefused('RabbitMQ rejected the message (nack)', error);
  }

  async #openChannel(): Promise<ConfirmChannel> {
    const opening = (this.#channel ??= this.#createChannel());
    try {
      return await opening;
    } catch (error) {
      this.#forget(opening);
      throw new PublishRefused(`cannot open a channel: ${messageOf(error)}`, error);
    }
  }

  async #createChannel(): Promise<ConfirmChannel> {
    const channel = await this.#options.connection.createConfirmChannel();
    const opened = this.#channel;
    channel.on('return', (message: Message) => {
      const id: unknown = message.properties.messageId;
      if (typeof id === 'string') this.#returned.add(id);
    });
    const onGone = () => {
      this.#closed.add(channel);
      this.#forget(opened);
    };
    channel.on('error', onGone);
    // Before amqplib's own listener, which fails the unconfirmed publishes.
    channel.prependListener('close', onGone);
    return channel;
  }

  /** The next publish opens a new channel, unless that has happened already. */
  #forget(channel: Promise<ConfirmChannel> | undefined): void {
    if (this.#channel === channel) this.#channel = undefined;
  }
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
