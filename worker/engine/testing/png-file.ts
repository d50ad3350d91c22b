import { crc32, deflateSync } from 'node:zlib';

export interface PngParts {
  readonly width: number;
  readonly height: number;
  /** Bits a sample. */
  readonly depth?: number;
  /** 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA. */
  readonly colourType?: number;
  readonly interlaced?: boolean;
  /** The pixel data before compression, a filter byte at the head of each row. */
  readonly data?: Buffer;
  /** What goes between header and data, e.g. eXIf. */
  readonly before?: readonly Buffer[];
}

const HEADER_END = 33;
const SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');

/** A PNG chunk whose checksum is wrong. */
export function damagedPngChunk(type: string, data?: Buffer): Buffer {
  const chunk = pngChunk(type, data);
  chunk.writeUInt8(chunk.readUInt8(chunk.length - 1) ^ 1, chunk.length - 1);
  return chunk;
}

/** A PNG built chunk by chunk, so that tests can make it invalid in any way. */
export function pngFile(parts: PngParts): Buffer {
  const { width, height, depth = 8, colourType = 2, interlaced = false, data, before = [] } = parts;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, colourType, 0, 0, interlaced ? 1 : 0], 8);
  const pixels = data === undefined ? [] : [pngChunk('IDAT', deflateSync(data))];
  return Buffer.concat([SIGNATURE, pngChunk('IHDR', header), ...before, ...pixels, pngChunk('IEND')]);
}

export function pngChunk(type: string, data: Buffer = Buffer.alloc(0)): Buffer {
  const chunk = Buffer.alloc(12 + data.length);
  chunk.writeUInt32BE(data.length, 0);
  chunk.write(type, 4, 'latin1');
  chunk.set(data, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 8 + data.length)), 8 + data.length);
  return chunk;
}

/** A PNG with chunks right behind its header. */
export function withChunks(file: Buffer, ...chunks: Buffer[]): Buffer {
  return Buffer.concat([file.subarray(0, HEADER_END), ...chunks, file.subarray(HEADER_END)]);
}

/** Whole numbers of 32 bits. */
export function integers(...values: number[]): Buffer {
  const data = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => data.writeUInt32BE(value, i * 4));
  return data;
}

/** Whole numbers of 16 bits. */
export function shorts(...values: number[]): Buffer {
  return Buffer.from(values.flatMap((value) => [value >> 8, value & 0xff]));
}

/** A PNG of one row of pixels; by default one pixel of RGB. */
export function row(parts: Partial<PngParts>, samples: Buffer, ...chunks: Buffer[]): Buffer {
  const data = Buffer.concat([Buffer.alloc(1), samples]);
  return pngFile({ width: 1, height: 1, ...parts, data, before: chunks });
}
