import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** What a client must read at least, on average since the start of the response. */
export interface ReadingRate {
  /** Bytes per second. */
  readonly minRate: number;
  /** From the start of the response, before the rate applies, in milliseconds. */
  readonly graceMs: number;
}

export interface SendBodyOptions {
  readonly rate: ReadingRate;
  /** Resolves when the next chunk may be read and sent. */
  readonly turn: () => Promise<void>;
  /** Length of the body in bytes. */
  readonly size: number;
  /** hex */
  readonly sha256: string;
  /** Makes the error for a body with another size or digest. */
  readonly damaged: () => Error;
  /** Sets the headers; called once the body is known to begin. */
  readonly begin: () => void;
}

/**
 * Sends a body as fast as the client reads it: at most a few chunks of it are in memory. A small body is compared with its
 * digest before the response begins, a large one while it is sent.
 * @throws the error of `damaged` or of the body; Error once the connection is closed, by the client or for being too slow
 */
export async function sendBody(
  body: Readable,
  response: ServerResponse,
  { rate, begin, ...options }: SendBodyOptions,
): Promise<void> {
  const chunks = verifiedBody(body, options);
  try {
    const first = await chunks.next();
    begin();
    const stopWatch = watchRate(response, rate);
    try {
      await pipeline(resumed(first, chunks), response);
    } finally {
      stopWatch();
    }
  } finally {
    body.destroy();
  }
}

/**
 * The chunks of a body, each in its turn. The last one follows only if size and digest are right: a client that gets all
 * bytes has the right ones.
 */
async function* verifiedBody(
  body: AsyncIterable<Buffer>,
  { turn, size, sha256, damaged }: Pick<SendBodyOptions, 'turn' | 'size' | 'sha256' | 'damaged'>,
): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  let missing = size;
  await turn();
  for await (const chunk of body) {
    hash.update(chunk);
    missing -= chunk.length;
    if (missing < 0 || (missing === 0 && hash.digest('hex') !== sha256)) throw damaged();
    yield chunk;
    if (missing > 0) await turn();
  }
  if (missing > 0) throw damaged();
}

async function* resumed(first: IteratorResult<Buffer>, rest: AsyncIterable<Buffer>) {
  if (first.done !== true) yield first.value;
  yield* rest;
}

/** How often the rate is checked: a fraction of the grace time. */
const CHECKS_PER_GRACE = 4;

/**
 * Closes the connection of a client that reads too slowly. The average since the start counts, because the system takes
 * megabytes from us at once and then nothing for long, although the client reads steadily.
 */
function watchRate({ socket }: ServerResponse, { minRate, graceMs }: ReadingRate): () => void {
  if (socket === null) return () => undefined;
  const taken = () => socket.bytesWritten - socket.writableLength;
  const before = taken();
  const startedAt = performance.now();
  const timer = setInterval(() => {
    const seconds = (performance.now() - startedAt - graceMs) / 1_000;
    if (taken() - before < minRate * seconds) socket.destroy();
  }, graceMs / CHECKS_PER_GRACE);
  return () => clearInterval(timer);
}
