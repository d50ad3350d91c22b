import { addAbortSignal, type Readable } from 'node:stream';
import { PipelineError } from '../errors.ts';
import { MAX_OBJECT_BYTES } from './object-store.ts';

/** The stream that was to be stored failed by itself, with `cause`. */
export class SourceFailed extends Error {
  override readonly name = 'SourceFailed';
}

/**
 * The chunks of a body that is to be stored, counted while they pass.
 *
 * @param size what the body must have, in bytes; undefined where that is not known
 * @param signal destroys a stream that is still being read
 * @throws SourceFailed where the stream fails or is destroyed before its end
 * @throws PipelineError where the body has another size, or is larger than MAX_OBJECT_BYTES
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
    yield chunk;
  }
  if (size !== undefined && seen !== size) throw refusal(`${seen} bytes, but ${size} were announced`);
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
