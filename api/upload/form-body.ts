import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Transform, type TransformCallback, type Writable } from 'node:stream';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import { bodyTooLarge } from '../http/request-body.ts';
import type { FormLimits } from './form-limits.ts';

/** The client closed the connection before its request was complete. */
export class UploadAborted extends Error {
  override readonly name = 'UploadAborted';
}

/**
 * The body of an upload between request and form parser, which takes it for the request. A parser that fails would read
 * the request to its end; this stream can be ended at once and the rest of the request left unread. It fails with
 *
 * - `body_too_large` if the body exceeds `bodyBytes`, whatever its headers say
 * - `request_timeout` if nothing has arrived after `firstByteMs`, if it is not complete after `receiveMs`, or if, after the
 *   first window, less than `minRate` arrives
 * - UploadAborted if the client closes the connection
 */
export class FormBody extends Transform {
  readonly headers: IncomingHttpHeaders;
  readonly #limits: FormLimits;
  readonly #firstByte: NodeJS.Timeout;
  readonly #deadline: NodeJS.Timeout;
  readonly #window: NodeJS.Timeout;
  #seen = 0;
  /** Bytes received by the end of the last window; undefined in the first one. */
  #seenBefore: number | undefined;

  /** @param contentType the header that the parser reads instead of the client's */
  constructor(request: IncomingMessage, contentType: string, limits: FormLimits) {
    super();
    this.headers = { ...request.headers, 'content-type': contentType };
    this.#limits = limits;
    this.#firstByte = setTimeout(() => this.#checkBegun(), limits.firstByteMs);
    this.#deadline = setTimeout(() => this.#endLate(), limits.receiveMs);
    this.#window = setInterval(() => this.#checkRate(), limits.rateWindowMs);
    const abort = () => {
      if (!request.complete) this.destroy(new UploadAborted('the client closed the connection'));
    };
    request.once('close', abort);
    // The server has responded to a malformed request.
    request.once('aborted', abort);
    request.once('error', (error) => this.destroy(error));
    request.pipe(this);
    // Both may have happened before.
    if (request.destroyed || !request.socket.writable) abort();
  }

  /** Bytes received so far. */
  get seen(): number {
    return this.#seen;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    const { bodyBytes } = this.#limits;
    this.#seen += chunk.length;
    if (this.#seen <= bodyBytes) callback(null, chunk);
    else callback(bodyTooLarge(bodyBytes, this.#seen));
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    clearTimeout(this.#firstByte);
    clearTimeout(this.#deadline);
    clearInterval(this.#window);
    callback(error);
  }

  /** The parser unpipes the body when it is complete or has failed: in both cases the rest is not read. */
  override unpipe(destination?: Writable): this {
    super.unpipe(destination);
    this.destroy();
    return this;
  }

  #checkBegun(): void {
    const seconds = this.#limits.firstByteMs / 1_000;
    if (this.#seen > 0) return;
    this.#timeOut(`Nothing of the upload arrived within ${seconds} s.`, { limit: seconds, seen: 0 });
  }

  #endLate(): void {
    const seconds = this.#limits.receiveMs / 1_000;
    this.#timeOut(`The upload was not complete after ${seconds} s: ${this.#seen} bytes received.`, {
      limit: seconds,
      seen: this.#seen,
    });
  }

  #checkRate(): void {
    const { minRate, rateWindowMs } = this.#limits;
    const received = this.#seen - (this.#seenBefore ?? 0);
    const isFirst = this.#seenBefore === undefined;
    this.#seenBefore = this.#seen;
    const seconds = rateWindowMs / 1_000;
    // What has arrived and waits here is not the client's delay.
    const isBehind = this.readableLength > 0 || this.writableLength > 0;
    if (isFirst || isBehind || received >= minRate * seconds) return;
    this.#timeOut(
      `The upload is too slow: ${received} bytes in ${seconds} s. Minimum after the first ${seconds} s: ${minRate} bytes per second.`,
      { limit: minRate, seen: Math.floor(received / seconds) },
    );
  }

  #timeOut(message: string, details: Readonly<Record<string, number>>): void {
    this.destroy(new PipelineError('request_timeout', message, { details }));
  }
}
