import { crc32 } from 'node:zlib';
import { undecodable } from './image-header.ts';

export const PNG_SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');

export interface PngChunk {
  readonly type: string;
  /** Shorter than declared if the file ends within the chunk. */
  readonly data: Buffer;
  /** From its length to its checksum. */
  readonly whole: Buffer;
  readonly isTruncated: boolean;
}

/** The chunks of a PNG, up to the end of the file or to a chunk that is truncated. */
export function* pngChunks(file: Buffer): Generator<PngChunk> {
  for (let at = PNG_SIGNATURE.length; at + 8 <= file.length;) {
    const dataAt = at + 8;
    const end = dataAt + file.readUInt32BE(at);
    const isTruncated = end + 4 > file.length;
    yield {
      type: file.toString('latin1', at + 4, dataAt),
      data: file.subarray(dataAt, end),
      whole: file.subarray(at, end + 4),
      isTruncated,
    };
    if (isTruncated) return;
    at = end + 4;
  }
}

/** Whether the checksum of a chunk is right. */
export function isIntact({ whole, isTruncated }: PngChunk): boolean {
  return !isTruncated && crc32(whole.subarray(4, -4)) === whole.readUInt32BE(whole.length - 4);
}

/** @throws PermanentFailure `undecodable_image` */
export function assertIntact(chunk: PngChunk): void {
  if (chunk.isTruncated) throw undecodable(`the ${chunk.type} chunk of the PNG is truncated`);
  if (!isIntact(chunk)) throw undecodable(`the ${chunk.type} chunk of the PNG has a wrong checksum`);
}

/** A chunk from its length to its checksum, in parts, so that its data is not copied. */
export function pngChunk(type: string, data: Buffer = Buffer.alloc(0)): Buffer[] {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(data.length, 0);
  head.write(type, 4, 'latin1');
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(data, crc32(head.subarray(4))), 0);
  return [head, data, checksum];
}
