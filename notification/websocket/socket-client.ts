import { closeCodes, type CloseReason } from '@image-pipeline/shared/contracts/websocket.ts';
import type { Metrics } from '@image-pipeline/shared/metrics.ts';
import type { WebSocket } from 'ws';
import type { Frame, Subscriber } from './subscriber.ts';

/** The deadline for a client's close frame, in ms: slow readers respond late. */
const CLOSE_TIMEOUT_MS = 5_000;

export interface SocketClientOptions {
  readonly socket: WebSocket;
  /** Maximum bytes buffered for the client; above it the connection is closed. */
  readonly maxBufferedBytes: number;
  readonly metrics: Pick<Metrics, 'increase'>;
}

/** One WebSocket connection. */
export class SocketClient implements Subscriber {
  readonly #options: SocketClientOptions;
  #lastSent: Promise<void> = Promise.resolve();
  #hasPonged = true;

  constructor(options: SocketClientOptions) {
    this.#options = options;
    options.socket.on('pong', () => {
      this.#hasPonged = true;
    });
  }

  send(frame: Frame): void {
    const { socket, maxBufferedBytes, metrics } = this.#options;
    if (socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount > maxBufferedBytes) {
      this.cutSlowReader();
      return;
    }
    // The callback gets an error if the connection is closed; `flushed` resolves all the same.
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

  /** Pings the client, and closes the connection if the last ping was not answered. */
  ping(): void {
    const { socket, metrics } = this.#options;
    if (socket.readyState !== socket.OPEN) return;
    if (this.#hasPonged) {
      this.#hasPonged = false;
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
