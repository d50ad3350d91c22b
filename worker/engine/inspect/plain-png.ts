import { undecodable } from './image-header.ts';
import { PNG_SIGNATURE, pngChunk } from './png-chunks.ts';
import { GREY, PALETTE, type PngHeader, RGB } from './png-header.ts';

/** The data of the chunks that a PNG consists of. */
export interface PngParts {
  readonly header: PngHeader;
  readonly palette: Buffer | undefined;
  readonly transparency: Buffer | undefined;
  readonly profile: Buffer | undefined;
  /** Of all IDAT chunks. */
  readonly compressed: Buffer;
}

/** libpng refuses an IDAT chunk that is much larger than the pixels it could contain. */
const MAX_IDAT_BYTES = 1024 * 1024;
const COLOUR_BYTES = 3;
const MAX_COLOURS = 256;

/**
 * A PNG of these parts, so that a decoder sees nothing else: a few large chunks, without metadata.
 * @throws PermanentFailure `undecodable_image` if the palette is missing or invalid
 */
export function plainPng({ header, palette, transparency, profile, compressed }: PngParts): Buffer {
  const parts = [PNG_SIGNATURE, ...pngChunk('IHDR', header.bytes)];
  if (profile !== undefined) parts.push(...pngChunk('iCCP', profile));
  if (header.colourType === PALETTE) parts.push(...pngChunk('PLTE', validPalette(palette)));
  const valid = validTransparency(header, palette, transparency);
  if (valid !== undefined) parts.push(...pngChunk('tRNS', valid));
  for (let at = 0; at < compressed.length; at += MAX_IDAT_BYTES) {
    parts.push(...pngChunk('IDAT', compressed.subarray(at, at + MAX_IDAT_BYTES)));
  }
  return Buffer.concat([...parts, ...pngChunk('IEND')]);
}

function validPalette(palette: Buffer | undefined): Buffer {
  if (palette === undefined) throw undecodable('the PNG has no palette');
  const colours = palette.length / COLOUR_BYTES;
  if (Number.isInteger(colours) && colours > 0 && colours <= MAX_COLOURS) return palette;
  throw undecodable('the PNG has an invalid palette');
}

/**
 * The alpha of each colour, or the one colour that is transparent; undefined if that is not valid for the type of PNG, as
 * in libpng. Of a colour only as many bits count as a sample has.
 */
function validTransparency(
  { colourType, depth }: PngHeader,
  palette: Buffer | undefined,
  transparency: Buffer | undefined,
): Buffer | undefined {
  const length = transparency?.length ?? 0;
  if (transparency === undefined || length === 0) return undefined;
  if (colourType === PALETTE) {
    const colours = Math.min((palette?.length ?? 0) / COLOUR_BYTES, 2 ** depth);
    return length <= colours ? transparency : undefined;
  }
  if (!(colourType === GREY && length === 2) && !(colourType === RGB && length === 6)) return undefined;
  const masked = Buffer.alloc(length);
  for (let at = 0; at < length; at += 2) {
    masked.writeUInt16BE(transparency.readUInt16BE(at) & (2 ** depth - 1), at);
  }
  return masked;
}
