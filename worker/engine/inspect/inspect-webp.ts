import type { Size } from '@image-pipeline/shared/images/plan-steps.ts';
import { sameSize } from '../bitmap.ts';
import { exifOrientation, type Orientation } from './exif-orientation.ts';
import { undecodable, type Frame, type ImageHeader } from './image-header.ts';

/** A WebP whose first frame is not yet decoded. */
export interface WebpImage extends ImageHeader {
  readonly format: 'webp';
  readonly firstFrame: Frame;
  /** A WebP of the first frame alone, without metadata. */
  readonly picture: Buffer;
  /** Whether the bitstream may have an alpha channel that the file declares as unused. */
  readonly mayHideAlpha: boolean;
}

interface Chunk {
  readonly type: string;
  readonly data: Buffer;
}

/** The chunks that an image consists of. */
interface Bitstream {
  /** VP8 or VP8L. */
  readonly image: Chunk;
  /** The alpha channel of a VP8 image. */
  readonly alpha: Chunk | undefined;
}

const ANIMATION_FLAG = 2;
const ALPHA_FLAG = 0x10;
const ICC_FLAG = 0x20;

/**
 * Reads the RIFF chunks of a WebP. An animation has the size of its canvas, whatever part of it the first frame
 * covers. As in libwebp, all frames must have the form of frames, though only the first is decoded.
 * @throws PermanentFailure `undecodable_image`, or a RangeError where the file is truncated
 */
export function inspectWebp(file: Buffer): WebpImage {
  if (file.toString('latin1', 0, 4) !== 'RIFF' || file.toString('latin1', 8, 12) !== 'WEBP') {
    throw undecodable('it has no WebP signature');
  }
  const end = 8 + file.readUInt32LE(4);
  if (end > file.length) throw undecodable('the WebP is truncated');

  let extended: { flags: number; canvas: Size } | undefined;
  let first: { frame: Frame; bitstream: Bitstream } | undefined;
  let alpha: Chunk | undefined;
  let profile: Chunk | undefined;
  let orientation: Orientation = 1;
  let frames = 0;
  let pieces = 0;
  for (const chunk of chunksOf(file.subarray(12, end))) {
    const { type, data } = chunk;
    const isAnimation = ((extended?.flags ?? 0) & ANIMATION_FLAG) !== 0;
    pieces += 1;
    if (type === 'VP8X') extended ??= { flags: data.readUInt8(0), canvas: sizeAt(data, 4) };
    else if (type === 'ALPH') alpha ??= chunk;
    else if (type === 'ICCP') profile ??= chunk;
    else if (type === 'EXIF') orientation = exifOrientation(data);
    else if (!isAnimation && (type === 'VP8 ' || type === 'VP8L')) {
      first ??= { frame: { x: 0, y: 0, ...bitstreamSize(chunk) }, bitstream: { image: chunk, alpha } };
    } else if (isAnimation && type === 'ANMF') {
      const frame = { x: 2 * data.readUIntLE(0, 3), y: 2 * data.readUIntLE(3, 3), ...sizeAt(data, 6) };
      const bitstream = bitstreamOf(data.subarray(16), frame);
      const canvas = extended?.canvas ?? frame;
      if (frame.x + frame.width > canvas.width || frame.y + frame.height > canvas.height) {
        throw undecodable('a frame of the WebP is outside its canvas');
      }
      first ??= { frame, bitstream };
      frames += 1;
    }
  }
  if (first === undefined) throw undecodable('the WebP contains no image');
  const { frame, bitstream } = first;
  const { width, height } = extended?.canvas ?? frame;
  if (frames === 0 && !sameSize(frame, { width, height })) throw differentSizes();
  const hasAlpha =
    extended === undefined || frames > 0 ? declaresAlpha(bitstream) : (extended.flags & ALPHA_FLAG) !== 0;
  return {
    format: 'webp',
    width,
    height,
    orientation,
    scans: 1,
    pieces,
    firstFrame: frame,
    picture: stillImage(frame, bitstream, hasAlpha, profile),
    mayHideAlpha: !hasAlpha && bitstream.image.type === 'VP8L',
  };
}

/** A chunk is its type, its length and its data, padded to an even length. */
function* chunksOf(bytes: Buffer): Generator<Chunk> {
  for (let at = 0; at + 8 <= bytes.length;) {
    const length = bytes.readUInt32LE(at + 4);
    const data = bytes.subarray(at + 8, at + 8 + length);
    if (data.length < length) throw undecodable('a WebP chunk is truncated');
    yield { type: bytes.toString('latin1', at, at + 4), data };
    at += 8 + length + (length % 2);
  }
}

/** The image in an ANMF chunk, which must have the size in the chunk's head. */
function bitstreamOf(chunks: Buffer, size: Size): Bitstream {
  let alpha: Chunk | undefined;
  for (const chunk of chunksOf(chunks)) {
    if (chunk.type === 'ALPH') alpha ??= chunk;
    if (chunk.type !== 'VP8 ' && chunk.type !== 'VP8L') continue;
    if (!sameSize(bitstreamSize(chunk), size)) throw differentSizes();
    return { image: chunk, alpha };
  }
  throw undecodable('a frame of the WebP contains no image');
}

/** RFC 9649, section 3.4: the bit after the size is a hint that alpha is used. */
function declaresAlpha({ image, alpha }: Bitstream): boolean {
  return image.type === 'VP8L' ? (image.data.readUInt8(4) & 0x10) !== 0 : alpha !== undefined;
}

/** RFC 6386 section 9.1 for VP8; RFC 9649 section 3.4 for VP8L. */
function bitstreamSize({ type, data }: Chunk): Size {
  if (type === 'VP8L') {
    if (data.readUInt8(0) !== 0x2f) throw undecodable('the WebP has no VP8L signature');
    const bits = data.readUInt32LE(1);
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
  }
  if (data.readUIntBE(3, 3) !== 0x9d012a) throw undecodable('the WebP has no VP8 signature');
  const size = { width: data.readUInt16LE(6) & 0x3fff, height: data.readUInt16LE(8) & 0x3fff };
  if (size.width === 0 || size.height === 0) {
    throw undecodable(`invalid WebP size: ${size.width} × ${size.height} px`);
  }
  return size;
}

function stillImage(
  { width, height }: Size,
  { image, alpha }: Bitstream,
  hasAlpha: boolean,
  profile: Chunk | undefined,
): Buffer {
  const head = Buffer.alloc(10);
  head.writeUInt8((hasAlpha ? ALPHA_FLAG : 0) | (profile === undefined ? 0 : ICC_FLAG), 0);
  head.writeUIntLE(width - 1, 4, 3);
  head.writeUIntLE(height - 1, 7, 3);
  const separateAlpha = hasAlpha && image.type === 'VP8 ' ? alpha : undefined;
  const chunks = [{ type: 'VP8X', data: head }, profile, separateAlpha, image];
  const parts = chunks.flatMap((chunk) => (chunk === undefined ? [] : riffChunk(chunk)));
  const size = parts.reduce((sum, { length }) => sum + length, 0);
  const riff = Buffer.from('RIFF\0\0\0\0WEBP', 'latin1');
  riff.writeUInt32LE(4 + size, 4);
  return Buffer.concat([riff, ...parts]);
}

function riffChunk({ type, data }: Chunk): Buffer[] {
  const head = Buffer.alloc(8);
  head.write(type, 'latin1');
  head.writeUInt32LE(data.length, 4);
  return [head, data, Buffer.alloc(data.length % 2)];
}

function sizeAt(data: Buffer, at: number): Size {
  return { width: data.readUIntLE(at, 3) + 1, height: data.readUIntLE(at + 3, 3) + 1 };
}

function differentSizes(): Error {
  return undecodable('the WebP declares two different sizes');
}
