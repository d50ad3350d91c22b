import type { Size } from '@image-pipeline/shared/images/plan-steps.ts';
import { Jimp } from 'jimp';
import sharp from 'sharp';
import { asBitmap, asSharp, type Bitmap } from '../bitmap.ts';

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
  return { data, width, height, channels: 4 };
}

/** A picture in one colour. */
export function plainPicture({ width, height }: Size, colour: Rgba): Bitmap {
  return { data: Buffer.alloc(width * height * 4, Buffer.from(colour)), width, height, channels: 4 };
}

/** With an alpha channel, so that bitmaps can be compared. */
export function asRgba(bitmap: Bitmap): Promise<Bitmap> {
  return asBitmap(asSharp(bitmap).ensureAlpha());
}

/** What another decoder makes of an image file: jimp's own (pngjs, jpeg-js). It has none for WebP. */
export async function decodeElsewhere(bytes: Uint8Array): Promise<Bitmap> {
  const isWebp = Buffer.from(bytes).toString('latin1', 8, 12) === 'WEBP';
  if (isWebp) return asBitmap(sharp(bytes).ensureAlpha());
  const { bitmap } = await Jimp.read(Buffer.from(bytes));
  return { ...bitmap, channels: 4 };
}

export function pixelAt({ data, width }: Bitmap, x: number, y: number): number[] {
  return [...data.subarray((y * width + x) * 4, (y * width + x) * 4 + 4)];
}

/** The largest difference between two RGBA pictures of one size, in levels (0–255) of any channel. */
export function largestDifference(a: Bitmap, b: Bitmap): number {
  if (a.width !== b.width || a.height !== b.height || a.channels !== b.channels) {
    const [one, other] = [a, b].map(({ width, height, channels }) => `${width} × ${height} × ${channels}`);
    throw new Error(`${one} is not ${other}`);
  }
  return a.data.reduce((largest, value, i) => Math.max(largest, Math.abs(value - (b.data[i] ?? 0))), 0);
}

/**
 * How alike two RGBA pictures of one size are, up to 1: the mean structural similarity of the red channel in squares of
 * 8 × 8 px (Wang et al., "Image quality assessment", 2004, equation 13).
 */
export function similarity(a: Bitmap, b: Bitmap): number {
  const values: number[] = [];
  for (let top = 0; top + 8 <= a.height; top += 8) {
    for (let left = 0; left + 8 <= a.width; left += 8) {
      const sums = { a: 0, b: 0, aa: 0, bb: 0, ab: 0 };
      for (let i = 0; i < 64; i++) {
        const at = ((top + (i >> 3)) * a.width + left + (i & 7)) * 4;
        const [x = 0, y = 0] = [a.data[at], b.data[at]];
        sums.a += x / 64;
        sums.b += y / 64;
        sums.aa += (x * x) / 64;
        sums.bb += (y * y) / 64;
        sums.ab += (x * y) / 64;
      }
      const luminance = (2 * sums.a * sums.b + 6.5) / (sums.a ** 2 + sums.b ** 2 + 6.5);
      const variances = sums.aa - sums.a ** 2 + sums.bb - sums.b ** 2;
      values.push((luminance * (2 * (sums.ab - sums.a * sums.b) + 58.5)) / (variances + 58.5));
    }
  }
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
