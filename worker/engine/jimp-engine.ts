import { Jimp } from 'jimp';
import { asBitmap, asSharp, type Bitmap } from './bitmap.ts';
import type { Operations } from './engine.ts';
import { withPremultipliedAlpha } from './premultiply.ts';

/** jimp's bitmaps are RGBA. */
export const jimpOperations: Operations = {
  /**
   * jimp's default method averages all pixels that become one, and interpolates linearly where it enlarges; its other
   * methods are either worse at reducing (bilinear, bicubic) or four times as slow.
   */
  async resize(image, { width, height }) {
    return withPremultipliedAlpha(await asRgba(image), ({ data, width: w, height: h }) => {
      const { bitmap } = new Jimp({ data, width: w, height: h }).resize({ w: width, h: height });
      return { data: bitmap.data, width, height, channels: 4 };
    });
  },

  /** Not jimp's blur, which takes at least half a second per megapixel. */
  async blur(image, radius) {
    return withPremultipliedAlpha(await asRgba(image), (bitmap) => blur(bitmap, radius));
  },
};

async function asRgba(image: Bitmap): Promise<Bitmap> {
  return image.channels === 4 ? image : asBitmap(asSharp(image).ensureAlpha());
}

/**
 * Gaussian blur with a standard deviation of `radius` pixels, approximated by three box blurs as W3C Filter
 * Effects Module Level 1, section 9.5, describes. Edge pixels are repeated beyond the edge. In place; the time does
 * not depend on the radius.
 * @param bitmap RGBA with premultiplied alpha
 */
function blur(bitmap: Bitmap, radius: number): Bitmap {
  const { data, width, height } = bitmap;
  const spare = new Uint8Array(data.length);
  for (const box of boxes(radius)) {
    blurRows(data, spare, width, box);
    blurColumns(spare, data, width, height, box);
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

function blurRows(from: Uint8Array, to: Uint8Array, width: number, box: Box): void {
  const size = box.before + box.after + 1;
  const weight = 1 / size;
  const stride = width * 4;
  const before = box.before * 4;
  /** One row with its edges repeated on both sides, and one more pixel, so that the sums need no bounds checks. */
  const line = new Uint8Array(stride + size * 4);
  const pixels = new Uint32Array(line.buffer);
  const leading = pixels.subarray(0, box.before);
  const trailing = pixels.subarray(box.before + width);

  for (let row = 0; row < from.length; row += stride) {
    line.set(from.subarray(row, row + stride), before);
    leading.fill(pixels[box.before] ?? 0);
    trailing.fill(pixels[box.before + width - 1] ?? 0);

    for (let channel = 0; channel < 4; channel++) {
      let sum = 0;
      for (let i = channel; i < size * 4; i += 4) sum += line[i] ?? 0;
      for (let i = channel; i < stride; i += 4) {
        to[row + i] = (sum * weight + 0.5) | 0;
        sum += (line[i + size * 4] ?? 0) - (line[i] ?? 0);
      }
    }
  }
}

/** Processes all columns together, since memory is read along rows. */
function blurColumns(from: Uint8Array, to: Uint8Array, width: number, height: number, box: Box): void {
  const weight = 1 / (box.before + box.after + 1);
  const stride = width * 4;
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
