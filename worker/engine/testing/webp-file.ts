/** A WebP of chunks as [type, data]. */
export function webpFile(chunks: readonly (readonly [type: string, data: Buffer])[]): Buffer {
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

/** A frame of an animation, as an ANMF chunk's data. */
export function anmf(width: number, height: number, image: Buffer): Buffer {
  const head = Buffer.alloc(16);
  head.writeUIntLE(width - 1, 6, 3);
  head.writeUIntLE(height - 1, 9, 3);
  return Buffer.concat([head, riffChunk('VP8L', image)]);
}

function riffChunk(type: string, data: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.write(type, 'latin1');
  head.writeUInt32LE(data.length, 4);
  return Buffer.concat([head, data, Buffer.alloc(data.length % 2)]);
}
