export type WebpChunk = readonly [type: string, data: Buffer];

export function webpFile(chunks: readonly WebpChunk[]): Buffer {
  const body = Buffer.concat(chunks.map(([type, data]) => riffChunk(type, data)));
  return riffChunk('RIFF', Buffer.concat([Buffer.from('WEBP'), body]));
}

/** The fixed part of a VP8X chunk: flags and the size of the canvas. */
export function vp8x(width: number, height: number, flags = 0): Buffer {
  const data = Buffer.alloc(10);
  data.writeUInt8(flags, 0);
  data.writeUIntLE(width - 1, 4, 3);
  data.writeUIntLE(height - 1, 7, 3);
  return data;
}

/** The head of a lossless bitstream; there are no pixels in it. */
export function vp8lHead(width: number, height: number): Buffer {
  const data = Buffer.alloc(5);
  data.writeUInt8(0x2f, 0);
  data.writeUInt32LE(((height - 1) << 14) | (width - 1), 1);
  return data;
}

/** A frame of an animation, as an ANMF chunk's data, from a lossless bitstream or chunks of its own. */
export function anmf(
  width: number,
  height: number,
  image: Buffer | readonly WebpChunk[],
  { x = 0, y = 0 } = {},
): Buffer {
  const head = Buffer.alloc(16);
  head.writeUIntLE(x / 2, 0, 3);
  head.writeUIntLE(y / 2, 3, 3);
  head.writeUIntLE(width - 1, 6, 3);
  head.writeUIntLE(height - 1, 9, 3);
  const chunks: readonly WebpChunk[] = Buffer.isBuffer(image) ? [['VP8L', image]] : image;
  return Buffer.concat([head, ...chunks.map(([type, data]) => riffChunk(type, data))]);
}

/** The chunks of a WebP, without those of its canvas and its metadata. */
export function webpChunks(file: Buffer): WebpChunk[] {
  const chunks: WebpChunk[] = [];
  for (let at = 12; at < file.length;) {
    const [type, length] = [file.toString('latin1', at, at + 4), file.readUInt32LE(at + 4)];
    if (/^(VP8 |VP8L|ALPH)$/.test(type)) chunks.push([type, file.subarray(at + 8, at + 8 + length)]);
    at += 8 + length + (length % 2);
  }
  return chunks;
}

function riffChunk(type: string, data: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.write(type, 'latin1');
  head.writeUInt32LE(data.length, 4);
  return Buffer.concat([head, data, Buffer.alloc(data.length % 2)]);
}
