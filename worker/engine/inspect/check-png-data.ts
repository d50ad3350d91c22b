import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createInflate } from 'node:zlib';
import { undecodable } from './image-header.ts';
import type { PngImage } from './inspect-png.ts';

const CHUNK_BYTES = 256 * 1024;

/**
 * Inflates a PNG's pixel data without keeping it, to check that it has exactly the size that the header declares:
 * some decoders fill missing data with old memory, and surplus data may inflate without end. Stops at the first
 * surplus byte. What follows the last pixel, a checksum, may be missing but not wrong.
 * @throws PermanentFailure `undecodable_image`
 */
export async function checkPngData(image: PngImage): Promise<void> {
  const { inflatedBytes, compressed } = image;
  let seen = 0;
  try {
    await pipeline(
      Readable.from([compressed]),
      createInflate({ chunkSize: CHUNK_BYTES, finishFlush: constants.Z_SYNC_FLUSH }),
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
    throw undecodable('the pixel data of the PNG is damaged', error);
  }
  if (seen < inflatedBytes) throw undecodable('the PNG contains less pixel data than its header declares');
}
