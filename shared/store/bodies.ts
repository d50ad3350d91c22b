import { addAbortSignal, Readable } from 'node:stream';
import { PipelineError } from '../errors.ts';
import { DeadlineExceeded } from '../waiting.ts';
import { MAX_OBJECT_BYTES } from './object-store.ts';

export interface CheckedBodyOptions {
  /** Length of the source in bytes. */
  readonly size: number;
  /** Total time in milliseconds that the source may keep its reader waiting; pauses of the reader do not count. */
  readonly waitMs: number;
  /** Maps an error to the one that the reader gets. */
  readonly failure: (error: unknown) => unknown;
}

/**
 * A body that is read from a store. It ends only after exactly `size` bytes; it fails if the source fails, closes early,
 * is too long or stalls. Destroying it destroys the source.
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
    // A failure before anybody listens must not end the process; the next reader gets it.
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

/** The stream to store failed, with `cause`. */
export class SourceFailed extends Error {
  override readonly name = 'SourceFailed';
}

/**
 * The chunks of a body to store, whose length it checks.
 *
 * @param size length of the body in bytes, if known
 * @param signal destroys a stream that is still being read
 * @throws SourceFailed if the stream fails or is destroyed before its end
 * @throws PipelineError if the body has another size, or is larger than MAX_OBJECT_BYTES
 */
export async function* measuredBody(
  body: Uint8Array | Readable,
  size: number | undefined,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let seen = 0;
  for await (const chunk of body instanceof Uint8Array ? [body] : chunksOf(body, signal)) {
    seen += chunk.length;
    if (seen > MAX_OBJECT_BYTES)
      throw refusal(`more than ${MAX_OBJECT_BYTES} bytes, the maximum size of an object`);
    if (size !== undefined && seen > size) throw refusal(`more bytes than announced (${size})`);
    yield chunk;
  }
  if (size !== undefined && seen < size) throw refusal(`${seen} bytes, but ${size} were announced`);
}

async function* chunksOf(body: Readable, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of addAbortSignal(signal, body)) {
      if (!(chunk instanceof Uint8Array)) throw new TypeError('the stream does not yield bytes');
      yield chunk;
    }
  } catch (error) {
    throw new SourceFailed('the stream failed', { cause: error });
  }
}

function refusal(seen: string): PipelineError {
  return new PipelineError('internal_error', `The body to store has ${seen}.`);
}
