import { Readable } from 'node:stream';
import { DeadlineExceeded } from '../waiting.ts';

export interface CheckedBodyOptions {
  /** What the source must yield, in bytes. */
  readonly size: number;
  /** How long in all the source may keep its reader waiting; the time in which nobody reads does not count. */
  readonly waitMs: number;
  /** Turns whatever went wrong into what the reader gets. */
  readonly failure: (error: unknown) => unknown;
}

/**
 * A body on its way to a reader. It ends only after exactly `size` bytes; a source that fails, closes early, goes on for
 * too long or stalls makes it fail. Destroying it destroys the source.
 */
export class CheckedBody extends Readable {
  readonly #source: Readable;
  readonly #options: CheckedBodyOptions;
  #missing: number;
  #waitLeftMs: number;
  #waitingSince = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(source: Readable, options: CheckedBodyOptions) {
    super();
    this.#source = source;
    this.#options = options;
    this.#missing = options.size;
    this.#waitLeftMs = options.waitMs;
    source.on('data', (chunk: Buffer) => this.#take(chunk));
    source.on('end', () => this.#finish());
    source.on('error', (error) => this.#fail(error));
    source.on('close', () => {
      if (!source.readableEnded) this.#fail(new Error('closed before its end'));
    });
    source.pause();
    // A failure before anybody listens must not end the process: it is kept, and whoever reads next gets it.
    this.on('error', () => undefined);
  }

  override _read(): void {
    this.#wait();
    this.#source.resume();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#stopWaiting();
    this.#source.destroy();
    callback(error);
  }

  #take(chunk: Buffer): void {
    this.#stopWaiting();
    this.#missing -= chunk.length;
    if (this.#missing < 0) {
      this.#fail(new Error('longer than expected'));
    } else if (this.push(chunk)) {
      this.#wait();
    } else {
      this.#source.pause();
    }
  }

  #finish(): void {
    this.#stopWaiting();
    if (this.#missing === 0) this.push(null);
    else this.#fail(new Error(`ended ${this.#missing} bytes too early`));
  }

  #fail(error: Error): void {
    if (this.destroyed) return;
    const failure = this.#options.failure(error);
    this.destroy(failure instanceof Error ? failure : error);
  }

  #wait(): void {
    if (this.#timer !== undefined) return;
    this.#waitingSince = performance.now();
    this.#timer = setTimeout(
      () => this.#fail(new DeadlineExceeded(this.#options.waitMs)),
      Math.max(this.#waitLeftMs, 0),
    );
  }

  #stopWaiting(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waitLeftMs -= performance.now() - this.#waitingSince;
  }
}
