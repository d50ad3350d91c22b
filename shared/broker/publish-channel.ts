import type { ConfirmChannel, Message } from 'amqplib';
import { messageOf, PipelineError } from '../errors.ts';
import { withinDeadline } from '../waiting.ts';
import { brokersWords } from './misconfiguration.ts';
import type { Destination } from './topology.ts';

export interface OutgoingMessage extends Destination {
  /** Sent as JSON; bytes are sent as they are. */
  readonly body: unknown;
  /** Unique among the messages in flight: it identifies a returned message. */
  readonly messageId: string;
  /** The job id. */
  readonly correlationId: string;
  /** What kind of message it is, e.g. `job` or `job.completed`. */
  readonly type: string;
  readonly contentType: string;
  readonly headers?: Readonly<Record<string, unknown>>;
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

/** One channel in confirm mode, and what the broker says about each message on it. */
export class PublishChannel {
  readonly #channel: ConfirmChannel;
  readonly #returned = new Set<string>();
  /** Messages without a confirm. */
  #pending = 0;
  /** Set when the channel is closed; `words` are the broker's, if the broker closed it. */
  #closed: { readonly words: string | undefined; readonly hadOneMessage: boolean } | undefined;

  /** @param onClosed called once, with the broker's words if the broker closed the channel */
  constructor(channel: ConfirmChannel, onClosed: (words: string | undefined) => void) {
    this.#channel = channel;
    channel.on('return', (message: Message) => {
      const id: unknown = message.properties.messageId;
      if (typeof id === 'string') this.#returned.add(id);
    });
    const close = (words: string | undefined) => {
      if (this.#closed !== undefined) return;
      this.#closed = { words, hadOneMessage: this.#pending === 1 };
      onClosed(words);
    };
    channel.on('error', (error: Error) => close(brokersWords(error)));
    // Before amqplib's own listener, which fails the unconfirmed publishes.
    channel.prependListener('close', () => close(undefined));
  }

  /**
   * Sends a durable, mandatory message and waits for its confirm.
   * @returns false if the broker returned it, because no queue is bound for it
   * @throws PublishRefused, PublishUnconfirmed
   */
  async publish(message: OutgoingMessage, appId: string): Promise<boolean> {
    try {
      await this.#send(message, appId);
      // The return of an unroutable message always comes before its confirm.
      return !this.#returned.has(message.messageId);
    } finally {
      this.#returned.delete(message.messageId);
    }
  }

  /** @param patienceMs how long to wait for confirms */
  async close(patienceMs: number): Promise<void> {
    await withinDeadline(patienceMs, () => this.#channel.waitForConfirms()).catch(() => undefined);
    await this.#channel.close();
  }

  #send(message: OutgoingMessage, appId: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const { exchange, routingKey, body, expirationMs } = message;
    const options = {
      persistent: true,
      mandatory: true,
      appId,
      messageId: message.messageId,
      correlationId: message.correlationId,
      type: message.type,
      contentType: message.contentType,
      timestamp: Math.floor(Date.now() / 1000),
      headers: message.headers,
      ...(expirationMs === undefined ? {} : { expiration: expirationMs }),
    };
    const content = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
    const onConfirm = (error: unknown) => {
      this.#pending--;
      if (error === null || error === undefined) resolve(undefined);
      else reject(this.#errorOf(error, message));
    };
    try {
      this.#channel.publish(exchange, routingKey, content, options, onConfirm);
      this.#pending++;
    } catch (error) {
      reject(new PublishRefused(`the channel is closed: ${messageOf(error)}`, error));
    }
    return promise;
  }

  /**
   * A nack comes from the broker. If the broker closed the channel because of a message, that is certainly the only one in
   * flight; of several, some may be in their queues.
   */
  #errorOf(error: unknown, { exchange, routingKey }: OutgoingMessage): PipelineError {
    const closed = this.#closed;
    if (closed !== undefined && closed.words === undefined) {
      return new PublishUnconfirmed('lost the connection before RabbitMQ confirmed the message', error);
    }
    const why = closed?.words ?? 'nack: a queue is full or unavailable';
    const reason = `RabbitMQ rejected a message to exchange "${exchange}" with the key "${routingKey}" (${why})`;
    const isSure = closed === undefined || closed.hadOneMessage;
    return isSure ? new PublishRefused(reason, error) : new PublishUnconfirmed(reason, error);
  }
}
