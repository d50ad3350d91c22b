import { createHash } from 'node:crypto';

/**
 * The chunks of a body, of which the last one is held back until the whole body has this digest: a client that gets all
 * bytes has the right ones.
 * @param sha256 hex
 * @param damaged makes the error for another digest
 */
export async function* verifiedBody(
  chunks: AsyncIterable<Buffer>,
  sha256: string,
  damaged: () => Error,
): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  let held: Buffer | undefined;
  for await (const chunk of chunks) {
    hash.update(chunk);
    if (held !== undefined) yield held;
    held = chunk;
  }
  if (hash.digest('hex') !== sha256) throw damaged();
  if (held !== undefined) yield held;
}
