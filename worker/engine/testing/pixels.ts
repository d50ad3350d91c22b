import sharp, { type Sharp } from 'sharp';
import type { Bitmap, Size } from '../bitmap.ts';

export type Rgba = readonly [red: number, green: number, blue: number, alpha: number];

/**
 * A picture whose four corners show its orientation: red, green / blue, white, with gradients between.
 */
export function cornersPicture({ width, height }: Size): Bitmap {
  const data = Buffer.alloc(width * height * 4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const right = x / Math.max(1, width - 1);
      const down = y / Math.max(1, height - 1);
      const red = 255 * (1 - right) * (1 - down) + 255 * right * down;
      data.set([red, 255 * right, 255 * down, 255].map(Math.round), (y * width + x) * 4);
    }
  }
  return { data, width, height };
}

/** A picture in one colour. */
export function plainPicture({ width, height }: Size, colour: Rgba): Bitmap {
  return { data: Buffer.alloc(width * height * 4, Buffer.from(colour)), width, height };
}

/**
 * The bitmap for sharp, which plays the other program here: what we decode it encodes, and the other way
 * round.
 */
export function asSharp({ data, width, height }: Bitmap): Sharp {
  return sharp(data, { raw: { width, height, channels: 4 } });
}

/** What another decoder makes of an image file. */
export async function decodeElsewhere(bytes: Uint8Array): Promise<Bitmap> {
  const { data, info } = await sharp(bytes).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}

export function pixelAt({ data, width }: Bitmap, x: number, y: number): number[] {
  return [...data.subarray((y * width + x) * 4, (y * width + x) * 4 + 4)];
}

/** The largest difference between two pictures of one size, in levels (0–255) of any channel. */
export function largestDifference(a: Bitmap, b: Bitmap): number {
  if (a.width !== b.width || a.height !== b.height) {
    throw new Error(`${a.width} × ${a.height} is not ${b.width} × ${b.height}`);
  }
  return a.data.reduce((largest, value, i) => Math.max(largest, Math.abs(value - (b.data[i] ?? 0))), 0);
}
