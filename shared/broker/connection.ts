import { EventEmitter, once } from 'node:events';
import { connect, type Channel, type ChannelModel, type ConfirmChannel } from 'amqplib';
import type { RecoveringChannelModel } from 'amqplib';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { connectFailure, misconfiguration, type BrokerMisconfigured } from './misconfiguration.ts';

export interface ConnectionOptions {
  readonly url: string;
  /** Shown in the broker's list of connections, e.g. `worker-1 consume`. */
  readonly name: string;
  /** Run on every new connection before anyone may use it; a throw closes the connection and tries again. */
  readonly setup?: (model: ChannelModel) => Promise<void>;
  readonly connectTimeoutMs: number;
  readonly log: Logger;
}

export type ConnectionState = 'down' | 'up' | 'blocked';

interface ConnectionEvents {
  state: [ConnectionState];
  fatal: [BrokerMisconfigured];
}

/** Backoff between attempts to connect: 100 ms doubling to 3 s, ±20 %, so that a crowd does not return at once. */
const RECOVERY = { initialDelay: 100, maxDelay: 3_000, factor: 2, jitter: 0.2 } as const;

/**
 * One connection that comes back by itself (amqplib's own recovery). Channels do not come back: their owners make
 * new ones on each `state` of `up`. While the broker holds publishing back (memory or disk alarm) the state is
 * `blocked`. A configuration that can never work is emitted once as `fatal` and ends the attempts.
 */
export class BrokerConnection extends EventEmitter<ConnectionEvents> {
  readonly #options: ConnectionOptions;
  #connection: RecoveringChannelModel | undefined;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #state: ConnectionState = 'down';

  constructor(options: ConnectionOptions) {
    super();
    this.#options = options;
    this.setMaxListeners(50);
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /**
   * Begins to connect and waits for the first connection, however long that takes.
   * @throws BrokerMisconfigured where waiting cannot help (credentials, vhost, arguments of a queue).
   */
  start(): Promise<void> {
    this.#starting ??= this.#open();
    return this.#starting;
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#close();
    return this.#stopping;
  }

  /** A new channel; waits for a connection while there is none. Errors of a channel only close that channel. */
  async createChannel(): Promise<Channel> {
    const channel = await this.#opened().createChannel();
    this.#quiet(channel);
    return channel;
  }

  async createConfirmChannel(): Promise<ConfirmChannel> {
    const channel = await this.#opened().createConfirmChannel();
    this.#quiet(channel);
    return channel;
  }

  /** Resolves at once when connected, else at the next connection; rejects when `signal` aborts. */
  async whenUp(signal: AbortSignal): Promise<void> {
    while (this.#state === 'down') await once(this, 'state', { signal });
  }

  #opened(): RecoveringChannelModel {
    if (this.#connection === undefined) throw new Error(`connection ${this.#options.name} is not started`);
    return this.#connection;
  }

  async #open(): Promise<void> {
    const { url, name, setup, connectTimeoutMs, log } = this.#options;
    const connection = await connect(url, {
      timeout: connectTimeoutMs,
      noDelay: true,
      keepAlive: true,
      clientProperties: { connection_name: name },
      recovery: {
        ...RECOVERY,
        waitForConnect: false,
        setup: async (model: ChannelModel) => {
          // Without a listener of its own, an error in mid-setup would end the process.
          model.on('error', () => undefined);
          await setup?.(model);
        },
      },
    });
    this.#connection = connection;
    const misconfigured = new Promise<never>((_resolve, reject) => {
      this.once('fatal', (error) => reject(error));
    });
    misconfigured.catch(() => undefined);
    connection.on('connect', () => {
      log.info({ connection: name }, 'connected to RabbitMQ');
      this.#become('up');
    });
    connection.on('disconnect', (error) => {
      log.warn({ connection: name, reason: messageOf(error) }, 'lost the connection to RabbitMQ');
      this.#become('down');
    });
    connection.on('blocked', (reason) => {
      log.warn({ connection: name, reason }, 'RabbitMQ takes no messages for the moment (alarm)');
      this.#become('blocked');
    });
    connection.on('unblocked', () => {
      log.info({ connection: name }, 'RabbitMQ takes messages again');
      this.#become('up');
    });
    connection.on('error', (error) => {
      log.debug({ connection: name, err: error }, 'connection error');
    });
    connection.on('connect-failed', (error) => this.#onConnectFailed(error, connection));
    await Promise.race([connection.waitForConnect(), misconfigured]);
  }

  #onConnectFailed(error: Error, connection: RecoveringChannelModel): void {
    const fatal = misconfiguration(error);
    if (fatal === undefined) {
      const { name, log } = this.#options;
      log.warn({ connection: name, reason: connectFailure(error) }, 'cannot reach RabbitMQ; trying again');
      return;
    }
    void connection.close();
    this.emit('fatal', fatal);
  }

  #become(state: ConnectionState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.emit('state', state);
  }

  #quiet(channel: Channel): void {
    channel.on('error', (error: Error) => {
      this.#options.log.debug({ connection: this.#options.name, err: error }, 'channel error');
    });
  }

  async #close(): Promise<void> {
    await this.#connection?.close();
    this.#become('down');
  }
}
