import type { Jimp } from 'jimp';
/** Pixels as jimp keeps them: 8-bit sRGB RGBA, not premultiplied, row by row; width × height × 4 bytes. */
export interface Bitmap {
  data: Buffer;
  width: number;
  height: number;
}

export interface Size {
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
}

/** A Buffer onto the same memory. */
export function asBuffer(bytes: Uint8Array | Uint8ClampedArray): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** An image in memory: jimp's methods on a `Bitmap`. Most of them change it in place. */
export type Image = InstanceType<typeof Jimp>;
