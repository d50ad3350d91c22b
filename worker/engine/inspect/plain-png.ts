import { undecodable } from './image-header.ts';
import { assertIntact, PNG_SIGNATURE, type PngChunk, pngChunk } from './png-chunks.ts';
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
  if (transparency !== undefined) parts.push(...pngChunk('tRNS', transparency));
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
 * The alpha of each colour, or the one colour that is transparent; undefined if the chunk is not valid for the type of
 * PNG, as in libpng. Of a colour only as many bits count as a sample has.
 * @param palette undefined if none stands before the chunk
 * @throws PermanentFailure `undecodable_image` if the chunk is valid but damaged: the picture would be another one
 */
export function transparencyOf(
  { colourType, depth }: PngHeader,
  palette: Buffer | undefined,
  chunk: PngChunk,
): Buffer | undefined {
  const { data } = chunk;
  if (colourType === PALETTE) {
    const colours = Math.min((palette?.length ?? 0) / COLOUR_BYTES, 2 ** depth);
    if (data.length === 0 || data.length > colours) return undefined;
    assertIntact(chunk);
    return data;
  }
  if (!(colourType === GREY && data.length === 2) && !(colourType === RGB && data.length === 6))
    return undefined;
  assertIntact(chunk);
  const masked = Buffer.alloc(data.length);
  for (let at = 0; at < data.length; at += 2) {
    masked.writeUInt16BE(data.readUInt16BE(at) & (2 ** depth - 1), at);
  }
  return masked;
}
