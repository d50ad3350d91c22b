import type { ColourSpace } from '../colour-space.ts';
import { exifOrientation, type Orientation } from './exif-orientation.ts';
import { undecodable, type ImageHeader } from './image-header.ts';
import { plainPng, transparencyOf } from './plain-png.ts';
import { assertIntact, isIntact, PNG_SIGNATURE, pngChunks } from './png-chunks.ts';
import { pngColourSpace } from './png-colour-space.ts';
import { PALETTE, type PngHeader, readPngHeader } from './png-header.ts';

export interface PngImage extends ImageHeader {
  readonly format: 'png';
  /** Bits a sample. */
  readonly depth: number;
  /** Bytes that the pixel data inflates to, filter bytes and all interlacing passes included. */
  readonly inflatedBytes: number;
  /** The compressed pixel data: the contents of the IDAT chunks. */
  readonly compressed: Buffer;
  /** The meaning of the values; 'profile': by the ICC profile, which is in `picture`. */
  readonly colourSpace: ColourSpace | 'srgb' | 'profile';
  /** The file without what does not change the picture. */
  readonly picture: Buffer;
}

/** Chunks that may give the colours another meaning. */
const COLOUR_CHUNKS: ReadonlySet<string> = new Set(['iCCP', 'cICP', 'sRGB', 'gAMA', 'cHRM']);
const ANCILLARY = /^[a-z][A-Za-z]{3}$/;

/**
 * Reads the chunks of a PNG. Header, palette, transparency and pixel data must be intact. Other chunks never decide
 * whether the image is accepted: the first intact one of a kind counts, and is ignored if it is invalid, as in libpng.
 * After the pixel data anything may be missing or damaged. Of an animated PNG the default image counts.
 * @throws PermanentFailure `undecodable_image`, or a RangeError where the file is truncated
 */
export function inspectPng(file: Buffer): PngImage {
  if (!file.subarray(0, 8).equals(PNG_SIGNATURE)) throw undecodable('it has no PNG signature');
  let header: PngHeader | undefined;
  let palette: Buffer | undefined;
  let transparency: Buffer | undefined;
  const colourChunks = new Map<string, Buffer>();
  let orientation: Orientation | undefined;
  const data = Buffer.alloc(file.length);
  let dataBytes = 0;
  let place: 'before' | 'in' | 'after' = 'before'; // the pixel data, which is one sequence of chunks
  let pieces = 0;

  for (const chunk of pngChunks(file)) {
    const { type, isTruncated } = chunk;
    pieces += 1;
    if (header === undefined) {
      header = readPngHeader(chunk);
      continue;
    }
    if (type === 'IDAT' && place !== 'after') {
      place = 'in';
      if (!isTruncated) assertIntact(chunk); // otherwise the data itself shows whether the last pixel is in it
      dataBytes += chunk.data.copy(data, dataBytes);
      continue;
    }
    if (place === 'in') place = 'after';
    if (type === 'IEND') break;
    if (type === 'eXIf' && isIntact(chunk)) orientation ??= exifOrientation(chunk.data);
    if (place === 'after') continue;

    if (isTruncated) throw undecodable('a PNG chunk is truncated');
    if (type === 'PLTE') {
      if (header.colourType !== PALETTE) continue;
      if (palette !== undefined) throw undecodable('the PNG has more than one palette');
      assertIntact(chunk);
      palette = chunk.data;
    } else if (type === 'tRNS') {
      transparency ??= transparencyOf(header, palette, chunk);
    } else if (COLOUR_CHUNKS.has(type)) {
      if (!colourChunks.has(type) && isIntact(chunk)) colourChunks.set(type, chunk.data);
    } else if (!ANCILLARY.test(type)) {
      throw undecodable(`the PNG requires an unknown chunk: ${JSON.stringify(type)}`);
    }
  }

  if (header === undefined || place === 'before') throw undecodable('the PNG has no pixel data');
  const { width, height, depth, inflatedBytes } = header;
  const compressed = data.subarray(0, dataBytes);
  const colourSpace = pngColourSpace(colourChunks, header);
  const profile = colourSpace === 'profile' ? colourChunks.get('iCCP') : undefined;
  return {
    format: 'png',
    width,
    height,
    depth,
    inflatedBytes,
    orientation: orientation ?? 1,
    scans: 1,
    pieces,
    compressed,
    colourSpace,
    picture: plainPng({ header, palette, transparency, profile, compressed }),
  };
}
