import type { Size } from '@image-pipeline/shared/images/plan-steps.ts';
import { undecodable } from './image-header.ts';
import { assertIntact, type PngChunk } from './png-chunks.ts';

export interface PngHeader extends Size {
  /** The data of the IHDR chunk. */
  readonly bytes: Buffer;
  /** Bits a sample. */
  readonly depth: number;
  readonly colourType: number;
  /** Bytes that the pixel data inflates to, filter bytes and all interlacing passes included. */
  readonly inflatedBytes: number;
}

export const GREY = 0;
export const RGB = 2;
export const PALETTE = 3;
export const GREY_AND_ALPHA = 4;

const HEADER_BYTES = 13;
const MAX_DIMENSION = 2 ** 31 - 1;
/** Samples a pixel and the bit depths allowed, by colour type (PNG 3rd edition, table 12). */
const COLOUR_TYPES: Readonly<Record<number, { samples: number; depths: readonly number[] }>> = {
  [GREY]: { samples: 1, depths: [1, 2, 4, 8, 16] },
  [RGB]: { samples: 3, depths: [8, 16] },
  [PALETTE]: { samples: 1, depths: [1, 2, 4, 8] },
  [GREY_AND_ALPHA]: { samples: 2, depths: [8, 16] },
  6: { samples: 4, depths: [8, 16] },
};
/** Adam7: where each pass begins and how far its pixels are apart, as [x, y, step x, step y]. */
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/** @throws PermanentFailure `undecodable_image`, or a RangeError where the chunk is truncated */
export function readPngHeader(chunk: PngChunk): PngHeader {
  const { type, data } = chunk;
  if (type !== 'IHDR') throw undecodable('the PNG does not start with its header');
  const width = data.readUInt32BE(0);
  const height = data.readUInt32BE(4);
  const depth = data.readUInt8(8);
  const colourType = data.readUInt8(9);
  const colours = COLOUR_TYPES[colourType];
  const interlaced = data.readUInt8(12);
  assertIntact(chunk);
  if (width === 0 || height === 0 || width > MAX_DIMENSION || height > MAX_DIMENSION) {
    throw undecodable(`invalid PNG size: ${width} × ${height} px`);
  }
  if (data.length !== HEADER_BYTES) throw undecodable('the PNG has a header of the wrong length');
  if (!colours?.depths.includes(depth)) throw undecodable('the PNG has an unknown colour type');
  if (interlaced > 1) throw undecodable('the PNG has an unknown interlace method');

  const bitsPerPixel = colours.samples * depth;
  const passes = interlaced ? ADAM7 : ([[0, 0, 1, 1]] as const);
  let inflatedBytes = 0;
  for (const [x, y, stepX, stepY] of passes) {
    const columns = Math.ceil(Math.max(width - x, 0) / stepX);
    const rows = Math.ceil(Math.max(height - y, 0) / stepY);
    if (columns > 0) inflatedBytes += rows * (1 + Math.ceil((columns * bitsPerPixel) / 8));
  }
  return { bytes: data, width, height, depth, colourType, inflatedBytes };
}
