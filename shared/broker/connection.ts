import { EventEmitter, once } from 'node:events';
import { connect, type Channel, type ChannelModel, type ConfirmChannel } from 'amqplib';
import type { RecoveringChannelModel } from 'amqplib';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { withinDeadline, type Backoff } from '../waiting.ts';
import { connectOptions } from './broker-addresses.ts';
import { connectFailure, misconfiguration, type BrokerMisconfigured } from './misconfiguration.ts';

export interface ConnectionTimeouts {
  readonly connectMs: number;
  /** For any call on a connection. */
  readonly callMs: number;
  /** A peer that is silent for two intervals is considered dead. */
  readonly heartbeatS: number;
}

export interface ConnectionOptions {
  /** The URL of each node. The first attempt to connect uses a random one, each further attempt the next one. */
  readonly urls: readonly string[];
  /** Connection name in the management UI, e.g. `worker-1 consume`. */
  readonly name: string;
  /** Runs on every new connection before it is used; if it throws, the connection is closed and reopened. */
  readonly setup?: (model: ChannelModel) => Promise<void>;
  readonly timeouts: ConnectionTimeouts;
  readonly log: Logger;
}

export type ConnectionState = 'down' | 'up' | 'blocked';

interface ConnectionEvents {
  state: [ConnectionState];
  fatal: [BrokerMisconfigured];
}

/** Between attempts to connect, to open a channel or to publish. */
export const reconnectBackoff: Backoff = { firstMs: 100, maxMs: 3_000 };

const CLOSE_TIMEOUT_MS = 2_000;

/**
 * One connection that reconnects by itself (amqplib's recovery). Channels are not reopened: their owners open new ones on
 * each `state` event `up`. While the broker blocks publishers (memory or disk alarm) the state is `blocked`. A
 * configuration that has never worked is emitted once as `fatal` and ends the attempts; one that stops to work, such as
 * revoked permissions, may be restored, so the attempts go on.
 */
export class BrokerConnection extends EventEmitter<ConnectionEvents> {
  readonly #options: ConnectionOptions;
  #connection: RecoveringChannelModel | undefined;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #state: ConnectionState = 'down';
  #serverVersion: string | undefined;
  #hasWorked = false;
  /** Of the newest attempt to connect. */
  #failure: string | undefined;

  constructor(options: ConnectionOptions) {
    super();
    this.#options = options;
    this.setMaxListeners(50);
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Why there is no connection, or undefined if there is one. */
  get downBecause(): string | undefined {
    if (this.#state !== 'down') return undefined;
    return `no connection to RabbitMQ${this.#failure === undefined ? '' : `: ${this.#failure}`}`;
  }

  /** The version of RabbitMQ at the newest connection, e.g. `4.1.2`; undefined before the first one. */
  get serverVersion(): string | undefined {
    return this.#serverVersion;
  }

  /**
   * Starts to connect and waits for the first connection, however long that takes.
   * @throws BrokerMisconfigured if retrying cannot help (credentials, vhost, arguments of a queue).
   */
  start(): Promise<void> {
    this.#starting ??= this.#open();
    return this.#starting;
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#close();
    return this.#stopping;
  }

  /**
   * Opens a channel on the current connection. Rejects if the connection is lost meanwhile: amqplib would wait for the
   * next one, and a stop could not end that. A channel error closes only that channel.
   */
  createChannel(): Promise<Channel> {
    return this.#unlessLost(() => this.#opened().createChannel());
  }

  createConfirmChannel(): Promise<ConfirmChannel> {
    return this.#unlessLost(() => this.#opened().createConfirmChannel());
  }

  /** Timeout of calls on a channel, in milliseconds. */
  get callTimeoutMs(): number {
    return this.#options.timeouts.callMs;
  }

  /** Resolves when connected, immediately if it already is; rejects when `signal` aborts. */
  async whenUp(signal: AbortSignal): Promise<void> {
    while (this.#state === 'down') await once(this, 'state', { signal });
  }

  /** Resolves unless the broker blocks publishers, or when it no longer does; rejects when `signal` aborts. */
  async whenUnblocked(signal: AbortSignal): Promise<void> {
    while (this.#state === 'blocked') await once(this, 'state', { signal });
  }

  async #unlessLost<C extends Channel>(open: () => Promise<C>): Promise<C> {
    if (this.#state === 'down') throw new Error('no connection to RabbitMQ');
    const { promise: lost, reject } = Promise.withResolvers<never>();
    const onState = (state: ConnectionState) => {
      if (state === 'down') reject(new Error('lost the connection to RabbitMQ'));
    };
    this.on('state', onState);
    const opening = open().then((channel) => this.#quiet(channel));
    try {
      return await withinDeadline(this.callTimeoutMs, () => Promise.race([opening, lost]));
    } catch (error) {
      // The channel may still open with the next connection, but it is no longer needed.
      opening.then((late) => late.close()).catch(() => undefined);
      throw error;
    } finally {
      this.off('state', onState);
    }
  }

  #opened(): RecoveringChannelModel {
    if (this.#connection === undefined) throw new Error(`connection ${this.#options.name} is not started`);
    return this.#connection;
  }

  async #open(): Promise<void> {
    const { urls, name, setup, timeouts, log } = this.#options;
    const addresses = urls.map((url) => connectOptions(url, timeouts.heartbeatS));
    let turn = Math.floor(Math.random() * addresses.length);
    // amqplib reads it for every attempt.
    const address = { ...addresses[turn] };
    const turnToNext = () => {
      turn = (turn + 1) % addresses.length;
      for (const member of Object.keys(address)) Reflect.deleteProperty(address, member);
      Object.assign(address, addresses[turn]);
    };
    const connection = await connect(address, {
      timeout: timeouts.connectMs,
      noDelay: true,
      keepAlive: true,
      clientProperties: { connection_name: name },
      recovery: {
        initialDelay: reconnectBackoff.firstMs,
        maxDelay: reconnectBackoff.maxMs,
        factor: 2,
        jitter: 0.2,
        waitForConnect: false,
        setup: async (model: ChannelModel) => {
          // Without a listener, an error during the set-up would end the process.
          model.on('error', () => undefined);
          this.#serverVersion = model.connection.serverProperties.version;
          if (setup !== undefined) await withinDeadline(timeouts.callMs, () => setup(model));
        },
      },
    });
    this.#connection = connection;
    const misconfigured = new Promise<never>((_resolve, reject) => {
      this.once('fatal', (error) => reject(error));
    });
    misconfigured.catch(() => undefined);
    connection.on('connect', () => {
      log.info({ connection: name, node: address.hostname }, 'connected to RabbitMQ');
      this.#hasWorked = true;
      this.#failure = undefined;
      this.#become('up');
    });
    connection.on('disconnect', (error) => {
      log.warn({ connection: name, reason: messageOf(error) }, 'lost the connection to RabbitMQ');
      turnToNext();
      this.#become('down');
    });
    connection.on('blocked', (reason) => {
      log.warn({ connection: name, reason }, 'RabbitMQ blocks publishers (alarm)');
      this.#become('blocked');
    });
    connection.on('unblocked', () => {
      log.info({ connection: name }, 'RabbitMQ accepts messages again');
      this.#become('up');
    });
    connection.on('error', (error) => {
      log.debug({ connection: name, err: error }, 'connection error');
    });
    connection.on('connect-failed', (error) => {
      this.#onConnectFailed(error, connection);
      turnToNext();
    });
    await Promise.race([connection.waitForConnect(), misconfigured]);
  }

  #onConnectFailed(error: Error, connection: RecoveringChannelModel): void {
    const { name, log } = this.#options;
    const fatal = misconfiguration(error);
    this.#failure = connectFailure(error);
    if (fatal === undefined || this.#hasWorked) {
      log.warn({ connection: name, reason: this.#failure }, 'cannot connect to RabbitMQ; retrying');
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

  #quiet<C extends Channel>(channel: C): C {
    channel.on('error', (error: Error) => {
      this.#options.log.debug({ connection: this.#options.name, err: error }, 'channel error');
    });
    return channel;
  }

  async #close(): Promise<void> {
    const connection = this.#connection;
    // A peer that is shutting down may not respond to the close.
    if (connection !== undefined)
      await withinDeadline(CLOSE_TIMEOUT_MS, () => connection.close()).catch(() => undefined);
    this.#become('down');
  }
}
