import { closeCodes, type CloseReason } from '@image-pipeline/shared/contracts/websocket.ts';
import type { Metrics } from '@image-pipeline/shared/metrics.ts';
import type { Turns } from '@image-pipeline/shared/turns.ts';
import type { WebSocket } from 'ws';
import type { Frame, Subscriber } from './subscriber.ts';

/** The deadline for a client's close frame, in ms: slow readers respond late. */
const CLOSE_TIMEOUT_MS = 5_000;
/** Bytes queued for a client before further messages wait outside of the queue. */
const BACKLOG_BYTES = 32 * 1024;

export interface SocketClientOptions {
  readonly socket: WebSocket;
  /** Maximum bytes buffered for the client; above it the connection is closed. */
  readonly maxBufferedBytes: number;
  /** The client's address, which shares its turns to catch up. */
  readonly address: string;
  readonly turns: Pick<Turns, 'next'>;
  readonly metrics: Pick<Metrics, 'increase'>;
}

/** One WebSocket connection. */
export class SocketClient implements Subscriber {
  readonly #options: SocketClientOptions;
  /** Messages that have not left this process. */
  #unsent = 0;
  #flush: PromiseWithResolvers<undefined> | undefined;
  #turn: Promise<void> | undefined;
  /** Since the last ping: has answered it, or has taken data while nothing was read from it. */
  #isAlive = true;

  constructor(options: SocketClientOptions) {
    this.#options = options;
    options.socket.on('pong', () => {
      this.#isAlive = true;
    });
  }

  get hasBacklog(): boolean {
    return this.#options.socket.bufferedAmount > BACKLOG_BYTES;
  }

  get maxUnsentBytes(): number {
    return this.#options.maxBufferedBytes;
  }

  send(frame: Frame): void {
    const { socket, maxBufferedBytes, metrics } = this.#options;
    if (socket.readyState !== socket.OPEN) return;
    const queued = socket.bufferedAmount;
    if (queued > 0 && queued + frame.data.length > maxBufferedBytes) {
      this.cutSlowReader();
      return;
    }
    this.#unsent++;
    socket.send(frame.data, { binary: false }, this.#onSent);
    metrics.increase('image_websocket_messages_total', { type: frame.type });
  }

  /** One function for all messages: thousands may be queued. Also called when the connection is closed. */
  readonly #onSent = (): void => {
    if (this.#options.socket.isPaused) this.#isAlive = true;
    if (--this.#unsent > 0) return;
    this.#flush?.resolve(undefined);
    this.#flush = undefined;
  };

  /** Whether it waits for its turn to catch up. */
  get isCatchingUp(): boolean {
    return this.#turn !== undefined;
  }

  /** Resolves when it has caught up and everything sent has left this process, or the connection is closed. */
  async caughtUp(): Promise<void> {
    while (this.#turn !== undefined) await this.#turn;
    await this.flushed();
  }

  /** Resolves when everything sent has left this process, or the connection is closed. */
  flushed(): Promise<void> {
    if (this.#unsent === 0) return Promise.resolve();
    this.#flush ??= Promise.withResolvers<undefined>();
    return this.#flush.promise;
  }

  /** Calls that wait at the same time share one turn. */
  nextTurn(): Promise<void> {
    this.#turn ??= this.#waitForTurn();
    return this.#turn;
  }

  async #waitForTurn(): Promise<void> {
    const { turns, address } = this.#options;
    await this.flushed();
    await turns.next(address);
    this.#turn = undefined;
  }

  /** Reads no more messages from the client until `resume`. */
  pause(): void {
    this.#options.socket.pause();
  }

  resume(): void {
    this.#options.socket.resume();
  }

  cutSlowReader(): void {
    this.cut('slow_reader');
  }

  /** Closes the connection with the close code of this reason. */
  cut(reason: CloseReason): void {
    const { socket, metrics } = this.#options;
    if (socket.readyState !== socket.OPEN) return;
    const { code, description } = closeCodes[reason];
    socket.close(code, description);
    metrics.increase('image_websocket_disconnects_total', { reason });
    const timer = setTimeout(() => socket.terminate(), CLOSE_TIMEOUT_MS);
    socket.once('close', () => clearTimeout(timer));
  }

  /** Pings the client, and closes the connection if it has not been alive since the last ping. */
  ping(): void {
    const { socket, metrics } = this.#options;
    if (socket.readyState !== socket.OPEN) return;
    if (this.#isAlive) {
      this.#isAlive = false;
      socket.ping();
      return;
    }
    metrics.increase('image_websocket_disconnects_total', { reason: 'dead_peer' });
    socket.terminate();
  }

  /** Closes the connection without a close frame. */
  terminate(): void {
    this.#options.socket.terminate();
  }
}
