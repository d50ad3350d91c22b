import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Transform, type TransformCallback, type Writable } from 'node:stream';
import { PipelineError } from '@image-pipeline/shared/errors.ts';

/** The client went away before its request was complete. */
export class UploadAborted extends Error {
  override readonly name = 'UploadAborted';
}

/**
 * The body of an upload on its way to the form parser, which takes it for the request itself. A parser that fails
 * would read a request to its end, however far that is; this stands between, so that it can be ended at once and the
 * request left unread.
 */
export class FormBody extends Transform {
  readonly headers: IncomingHttpHeaders;
  readonly #maxBytes: number;
  #seen = 0;

  /** @param maxBytes a longer body fails with `body_too_large`, whatever its headers promised */
  constructor(request: IncomingMessage, maxBytes: number) {
    super();
    this.headers = request.headers;
    this.#maxBytes = maxBytes;
    request.once('close', () => {
      if (!request.complete) this.destroy(new UploadAborted('the client went away'));
    });
    request.once('error', (error) => this.destroy(error));
    request.pipe(this);
  }

  /** Bytes that have come by so far. */
  get seen(): number {
    return this.#seen;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    this.#seen += chunk.length;
    if (this.#seen <= this.#maxBytes) callback(null, chunk);
    else callback(bodyTooLarge(this.#maxBytes, this.#seen));
  }

  /** The parser lets go of the body when it has all of it or has failed: either way nobody reads on. */
  override unpipe(destination?: Writable): this {
    super.unpipe(destination);
    this.destroy();
    return this;
  }
}

/** @param seen bytes, announced or received */
export function bodyTooLarge(limit: number, seen: number): PipelineError {
  return new PipelineError(
    'body_too_large',
    `The request body has ${seen} bytes or more; at most ${limit} are taken.`,
    { details: { limit, seen } },
  );
}
