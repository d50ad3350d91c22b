import { once } from 'node:events';
import type { Channel } from 'amqplib';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { backoffMs, pause, withinDeadline } from '../waiting.ts';
import { reconnectBackoff, type BrokerConnection } from './connection.ts';
import { brokersWords } from './misconfiguration.ts';

export interface SupervisedChannelOptions {
  readonly connection: BrokerConnection;
  /** For the log, e.g. `consumer of image.jobs.process`. */
  readonly name: string;
  /**
   * Sets up each new channel (prefetch, consume). `lost` aborts when this channel is closed; `abandon` closes it, so
   * that a new one is opened (for example if the broker cancelled the consumer).
   */
  readonly use: (channel: Channel, lost: AbortSignal, abandon: (reason: string) => void) => Promise<void>;
  /** Each channel is opened when this resolves; rejects when `signal` aborts. */
  readonly mayOpen?: ((signal: AbortSignal) => Promise<void>) | undefined;
  /** Called after each failure of a channel, or of its set-up. */
  readonly onFailure?: (() => void) | undefined;
  readonly log: Logger;
}

/** Keeps one channel open: amqplib reopens connections, but not their channels. */
export class SupervisedChannel {
  readonly #options: SupervisedChannelOptions;
  readonly #stop = new AbortController();
  #channel: Channel | undefined;
  #isSetUp = false;
  #failure: string | undefined;
  #starting: Promise<void> | undefined;
  #running: Promise<void> | undefined;

  constructor(options: SupervisedChannelOptions) {
    this.#options = options;
  }

  /** Resolves when the first channel is set up, or when stopped before. */
  start(): Promise<void> {
    this.#starting ??= new Promise((resolve) => {
      this.#running = this.#supervise(resolve).finally(resolve);
    });
    return this.#starting;
  }

  /** The open channel, if there is one. */
  get channel(): Channel | undefined {
    return this.#channel;
  }

  /** True while a channel is open and set up. */
  get isSetUp(): boolean {
    return this.#isSetUp;
  }

  /** Why the newest channel failed, in the broker's words; undefined while one is in use, and before the first one. */
  get failure(): string | undefined {
    return this.#failure;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await closeChannel(this.#channel);
    await this.#running;
  }

  async #supervise(onFirstUse: () => void): Promise<void> {
    let failures = 0;
    while (!this.#stop.signal.aborted) {
      try {
        const lost = await this.#open();
        onFirstUse();
        failures = 0;
        if (this.#isSetUp) this.#failure = undefined;
        await whenAborted(AbortSignal.any([lost, this.#stop.signal]));
      } catch (error) {
        if (this.#isStopped()) return;
        const { name, log, onFailure } = this.#options;
        this.#failure = brokersWords(error);
        log.warn({ reason: messageOf(error) }, `${name}: channel failed; retrying`);
        onFailure?.();
        await pause(backoffMs(reconnectBackoff, ++failures), this.#stop.signal);
      }
    }
    // Opened while `stop` saw no channel.
    await closeChannel(this.#channel);
  }

  #isStopped(): boolean {
    return this.#stop.signal.aborted;
  }

  async #open(): Promise<AbortSignal> {
    const { connection, use, mayOpen, onFailure, name, log } = this.#options;
    await mayOpen?.(this.#stop.signal);
    await connection.whenUp(this.#stop.signal);
    const channel = await connection.createChannel();
    const gone = new AbortController();
    const onGone = () => {
      this.#channel = undefined;
      this.#isSetUp = false;
      gone.abort();
    };
    const fail = (reason: string) => {
      this.#failure = reason;
      onGone();
      onFailure?.();
    };
    channel.once('close', onGone);
    channel.once('error', (error: Error) => fail(brokersWords(error)));
    const abandon = (reason: string) => {
      log.warn({ reason }, `${name}: closing the channel`);
      fail(reason);
      void closeChannel(channel);
    };
    this.#channel = channel;
    try {
      await withinDeadline(connection.callTimeoutMs, () => use(channel, gone.signal, abandon));
      this.#isSetUp = !gone.signal.aborted;
    } catch (error) {
      onGone();
      await closeChannel(channel);
      throw error;
    }
    return gone.signal;
  }
}

/** Never rejects. amqplib's own promise never settles if the connection is lost before the broker responds. */
export async function closeChannel(channel: Channel | undefined): Promise<void> {
  if (channel === undefined) return;
  await Promise.race([channel.close(), once(channel, 'close')]).catch(() => undefined);
}

function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
