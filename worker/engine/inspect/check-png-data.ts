import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createInflate } from 'node:zlib';
import type { PngHeader } from './inspect-png.ts';
import { undecodable } from './image-header.ts';

const CHUNK_BYTES = 256 * 1024;

/**
 * Inflates a PNG's pixel data without keeping it, to check that it has exactly the size that the header declares:
 * some decoders fill missing data with old memory, and surplus data may inflate without end. Stops at the first
 * surplus byte.
 * @throws PermanentFailure `undecodable_image`
 */
export async function checkPngData(header: PngHeader): Promise<void> {
  const { inflatedBytes, compressed } = header;
  let seen = 0;
  try {
    await pipeline(
      // In one piece: a PNG may have thousands of chunks, each a trip to the thread pool.
      Readable.from([Buffer.concat(compressed)]),
      createInflate({ chunkSize: CHUNK_BYTES }),
      async (inflated: AsyncIterable<Buffer>) => {
        for await (const { length } of inflated) {
          seen += length;
          if (seen > inflatedBytes)
            throw undecodable('the PNG contains more pixel data than its header declares');
        }
      },
    );
  } catch (error) {
    if (seen > inflatedBytes) throw error;
    throw undecodable('the pixel data of the PNG is damaged or incomplete', error);
  }
  if (seen < inflatedBytes) throw undecodable('the PNG contains less pixel data than its header declares');
}
