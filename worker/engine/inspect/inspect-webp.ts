import type { Size } from '../bitmap.ts';
import { exifOrientation, type Orientation } from './exif-orientation.ts';
import { undecodable, type ImageHeader } from './image-header.ts';

interface Chunk {
  readonly type: string;
  readonly data: Buffer;
}

/**
 * Reads the RIFF chunks of a WebP. An animation has the size of its canvas, whatever part of it the first frame
 * covers.
 * @throws PermanentFailure `undecodable_image`, or a RangeError where the file is truncated
 */
export function inspectWebp(file: Buffer): ImageHeader {
  if (file.toString('latin1', 0, 4) !== 'RIFF' || file.toString('latin1', 8, 12) !== 'WEBP') {
    throw undecodable('it has no WebP signature');
  }
  const end = 8 + file.readUInt32LE(4);
  if (end > file.length) throw undecodable('the WebP is truncated');

  let canvas: Size | undefined;
  let still: Size | undefined;
  let orientation: Orientation = 1;
  let frames = 0;
  let framePixels = 0;
  let mayHideAlpha = false;
  for (const { type, data } of chunksOf(file.subarray(12, end))) {
    if (type === 'VP8L' || type === 'ALPH') mayHideAlpha = true;
    if (type === 'VP8X') canvas ??= { width: uint24(data, 4) + 1, height: uint24(data, 7) + 1 };
    else if (type === 'VP8 ' || type === 'VP8L') still ??= bitstreamSize({ type, data });
    else if (type === 'EXIF') orientation = exifOrientation(data);
    else if (type === 'ANMF') {
      const frame = frameSize(data);
      frames += 1;
      framePixels += frame.width * frame.height;
    }
  }
  if (still !== undefined && canvas !== undefined) assertSame(still, canvas);
  const size = canvas ?? still;
  if (size === undefined || (still === undefined && frames === 0))
    throw undecodable('the WebP contains no image');
  const { width, height } = size;
  return {
    format: 'webp',
    width,
    height,
    orientation,
    frames: Math.max(frames, 1),
    totalPixels: Math.max(width * height, framePixels),
    scans: 1,
    mayHideAlpha,
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

/** The size in an ANMF chunk's head, which must be that of the image inside. */
function frameSize(data: Buffer): Size {
  const size = { width: uint24(data, 6) + 1, height: uint24(data, 9) + 1 };
  for (const chunk of chunksOf(data.subarray(16))) {
    if (chunk.type === 'VP8 ' || chunk.type === 'VP8L') assertSame(bitstreamSize(chunk), size);
  }
  return size;
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

function assertSame(image: Size, promised: Size): void {
  if (image.width !== promised.width || image.height !== promised.height) {
    throw undecodable('the WebP declares two different sizes');
  }
}

function uint24(data: Buffer, at: number): number {
  return data.readUIntLE(at, 3);
}
