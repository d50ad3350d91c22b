import { closeCodes, type CloseReason } from '@image-pipeline/shared/contracts/websocket.ts';
import type { Metrics } from '@image-pipeline/shared/metrics.ts';
import type { WebSocket } from 'ws';
import type { Frame, Subscriber } from './subscriber.ts';

/** How long a client may take to answer a close, in ms: one that reads slowly answers late. */
const CLOSE_TIMEOUT_MS = 5_000;

export interface SocketClientOptions {
  readonly socket: WebSocket;
  /** What may wait in this process to be read by the client, in bytes; at more, the connection ends. */
  readonly maxBufferedBytes: number;
  readonly metrics: Pick<Metrics, 'increase'>;
}

/** One connection, as the rest of the service sees it. */
export class SocketClient implements Subscriber {
  readonly #options: SocketClientOptions;
  #lastSent: Promise<void> = Promise.resolve();
  #hasAnswered = true;

  constructor(options: SocketClientOptions) {
    this.#options = options;
    options.socket.on('pong', () => {
      this.#hasAnswered = true;
    });
  }

  send(frame: Frame): void {
    const { socket, maxBufferedBytes, metrics } = this.#options;
    if (socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount > maxBufferedBytes) {
      this.cutSlowReader();
      return;
    }
    // The callback comes with an error where the connection has ended; that is no concern of who waits.
    this.#lastSent = new Promise((resolve) => {
      socket.send(frame.data, { binary: false }, () => resolve());
    });
    metrics.increase('image_websocket_messages_total', { type: frame.type });
  }

  flushed(): Promise<void> {
    return this.#lastSent;
  }

  cutSlowReader(): void {
    this.cut('slow_reader');
  }

  /** Ends the connection with the close code of this reason. */
  cut(reason: CloseReason): void {
    const { socket, metrics } = this.#options;
    if (socket.readyState !== socket.OPEN) return;
    const { code, description } = closeCodes[reason];
    socket.close(code, description);
    metrics.increase('image_websocket_cut_total', { reason });
    const timer = setTimeout(() => socket.terminate(), CLOSE_TIMEOUT_MS);
    socket.once('close', () => clearTimeout(timer));
  }

  /** Asks the client for a sign of life, and ends the connection if it has not answered the last time. */
  ping(): void {
    const { socket, metrics } = this.#options;
    if (socket.readyState !== socket.OPEN) return;
    if (this.#hasAnswered) {
      this.#hasAnswered = false;
      socket.ping();
      return;
    }
    metrics.increase('image_websocket_cut_total', { reason: 'dead_peer' });
    socket.terminate();
  }

  /** Ends the connection without a word. */
  terminate(): void {
    this.#options.socket.terminate();
  }
}
