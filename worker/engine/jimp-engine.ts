import { createJimp } from '@jimp/core';
import { methods as resizeMethods } from '@jimp/plugin-resize';
import { asBitmap, asSharp, type Bitmap } from './bitmap.ts';
import type { Operations } from './engine.ts';
import { withPremultipliedAlpha } from './premultiply.ts';

/** jimp with all its formats and plugins takes 0.3 s more to load, in each image process. */
const Jimp = createJimp({ plugins: [resizeMethods] });

export const jimpOperations: Operations = {
  resizesRgba: true,

  /**
   * jimp's default method averages all pixels that become one, and interpolates linearly where it enlarges; its other
   * methods are either worse at reducing (bilinear, bicubic) or four times as slow.
   */
  async resize(image, { width, height }) {
    const rgba = image.channels === 4 ? image : await asBitmap(asSharp(image).ensureAlpha());
    return withPremultipliedAlpha(rgba, ({ data, width: w, height: h }) => {
      const { bitmap } = new Jimp({ data, width: w, height: h }).resize({ w: width, h: height });
      return { data: bitmap.data, width, height, channels: 4 };
    });
  },

  /** Not jimp's blur, which takes at least half a second per megapixel. */
  blur(image, radius) {
    return Promise.resolve(withPremultipliedAlpha(image, (bitmap) => blur(bitmap, radius)));
  },
};

/**
 * Gaussian blur with a standard deviation of `radius` pixels, approximated by three box blurs as W3C Filter
 * Effects Module Level 1, section 9.5, describes. Edge pixels are repeated beyond the edge. In place; the time does
 * not depend on the radius.
 * @param bitmap with premultiplied alpha
 */
function blur(bitmap: Bitmap, radius: number): Bitmap {
  const { data } = bitmap;
  const spare = new Uint8Array(data.length);
  for (const box of boxes(radius)) {
    blurRows(data, spare, bitmap, box);
    blurColumns(spare, data, bitmap, box);
  }
  return bitmap;
}

/** How many pixels a box covers before and after its own pixel. */
interface Box {
  readonly before: number;
  readonly after: number;
}

/**
 * Three boxes of size d for an odd d; for an even d two that are off centre by half a pixel each way, and one
 * of d + 1.
 */
function boxes(radius: number): Box[] {
  const d = Math.floor((radius * 3 * Math.sqrt(2 * Math.PI)) / 4 + 0.5);
  const half = Math.floor(d / 2);
  const centred = { before: half, after: half };
  if (d % 2 === 1) return [centred, centred, centred];
  return [{ before: half, after: half - 1 }, { before: half - 1, after: half }, centred];
}

function blurRows(from: Uint8Array, to: Uint8Array, { width, channels }: Bitmap, box: Box): void {
  const size = box.before + box.after + 1;
  const weight = 1 / size;
  const stride = width * channels;
  const before = box.before * channels;
  /** One row with its edges repeated on both sides, and one more pixel, so that the sums need no bounds checks. */
  const line = new Uint8Array(stride + size * channels);

  for (let row = 0; row < from.length; row += stride) {
    line.set(from.subarray(row, row + stride), before);
    for (let i = before - 1; i >= 0; i--) line[i] = line[i + channels] ?? 0;
    for (let i = before + stride; i < line.length; i++) line[i] = line[i - channels] ?? 0;

    for (let channel = 0; channel < channels; channel++) {
      let sum = 0;
      for (let i = channel; i < size * channels; i += channels) sum += line[i] ?? 0;
      for (let i = channel; i < stride; i += channels) {
        to[row + i] = (sum * weight + 0.5) | 0;
        sum += (line[i + size * channels] ?? 0) - (line[i] ?? 0);
      }
    }
  }
}

/** Processes all columns together, since memory is read along rows. */
function blurColumns(from: Uint8Array, to: Uint8Array, image: Bitmap, box: Box): void {
  const { width, height, channels } = image;
  const weight = 1 / (box.before + box.after + 1);
  const stride = width * channels;
  const rowAt = (y: number) => Math.min(Math.max(y, 0), height - 1) * stride;
  const sums = new Uint32Array(stride);
  for (let y = -box.before; y <= box.after; y++) {
    const row = rowAt(y);
    for (let i = 0; i < stride; i++) sums[i] = (sums[i] ?? 0) + (from[row + i] ?? 0);
  }
  for (let y = 0; y < height; y++) {
    const row = y * stride;
    const entering = rowAt(y + box.after + 1);
    const leaving = rowAt(y - box.before);
    for (let i = 0; i < stride; i++) {
      const sum = sums[i] ?? 0;
      to[row + i] = (sum * weight + 0.5) | 0;
      sums[i] = sum + (from[entering + i] ?? 0) - (from[leaving + i] ?? 0);
    }
  }
}
