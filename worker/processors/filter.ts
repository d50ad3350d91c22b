import type { Filter } from '@image-pipeline/shared/contracts/operations.ts';
import type { Bitmap } from '../engine/bitmap.ts';
import type { Operations } from '../engine/engine.ts';
import { withPremultipliedAlpha } from '../engine/premultiply.ts';

/** Rec. 709 luma. */
const LUMA = [0.2126, 0.7152, 0.0722] as const;

/**
 * `sepia(1)` of W3C Filter Effects Module Level 1, section 8.2; rows are red, green and blue of the result.
 */
const SEPIA = [
  [0.393, 0.769, 0.189],
  [0.349, 0.686, 0.168],
  [0.272, 0.534, 0.131],
] as const;

/**
 * Filters a bitmap, most of the time in place. Filters of one pixel are arithmetic of our own: jimp's greyscale makes
 * 254 of white, its sepia computes green from the new red, its contrast uses another formula; libvips rounds down.
 */
export async function filter(image: Bitmap, operation: Filter, engine: Operations): Promise<Bitmap> {
  switch (operation.name) {
    case 'grayscale':
      return mixChannels(image, [LUMA, LUMA, LUMA]);
    case 'sepia':
      return mixChannels(image, SEPIA);
    case 'invert':
      return mapLevels(image, (value) => 255 - value);
    case 'brightness':
      return mapLevels(image, (value) => value * operation.amount);
    case 'contrast':
      return mapLevels(image, (value) => (value - 127.5) * operation.amount + 127.5);
    case 'blur':
      return engine.blur(image, operation.radius);
    case 'sharpen':
      return withPremultipliedAlpha(image, (bitmap) => sharpen(bitmap, operation.amount));
  }
}

type Weights = readonly [red: number, green: number, blue: number];

/**
 * Replaces every red, green and blue value v (0–255) with `level(v)`, rounded and clamped to 0–255. Alpha
 * stays.
 */
function mapLevels(bitmap: Bitmap, level: (value: number) => number): Bitmap {
  const { data, channels } = bitmap;
  const levels = Uint8ClampedArray.from({ length: 256 }, (_, value) => level(value));
  for (let i = 0; i < data.length; i += channels) {
    data[i] = levels[data[i] ?? 0] ?? 0;
    data[i + 1] = levels[data[i + 1] ?? 0] ?? 0;
    data[i + 2] = levels[data[i + 2] ?? 0] ?? 0;
  }
  return bitmap;
}

/**
 * Replaces every colour with weighted sums of its red, green and blue, rounded and clamped to 0–255. Alpha
 * stays.
 */
function mixChannels(bitmap: Bitmap, [red, green, blue]: readonly [Weights, Weights, Weights]): Bitmap {
  const { channels } = bitmap;
  const data = new Uint8ClampedArray(bitmap.data.buffer, bitmap.data.byteOffset, bitmap.data.length);
  for (let i = 0; i < data.length; i += channels) {
    const r = data[i] ?? 0;
    const g = data[i + 1] ?? 0;
    const b = data[i + 2] ?? 0;
    data[i] = red[0] * r + red[1] * g + red[2] * b;
    data[i + 1] = green[0] * r + green[1] * g + green[2] * b;
    data[i + 2] = blue[0] * r + blue[1] * g + blue[2] * b;
  }
  return bitmap;
}

/**
 * Convolves all channels with the 3 × 3 kernel 0 −a 0 / −a 1+4a −a / 0 −a 0: adds `amount` (a) times
 * the difference between a pixel and its four neighbours. Edge pixels are repeated beyond the edge. In place.
 * @param bitmap with premultiplied alpha
 */
function sharpen(bitmap: Bitmap, amount: number): Bitmap {
  const { data, width, height, channels } = bitmap;
  const source = Uint8Array.from(data);
  const target = new Uint8ClampedArray(data.buffer, data.byteOffset, data.length);
  const stride = width * channels;
  for (let y = 0; y < height; y++) {
    const up = y === 0 ? 0 : -stride;
    const down = y === height - 1 ? 0 : stride;
    for (let x = 0; x < width; x++) {
      const left = x === 0 ? 0 : -channels;
      const right = x === width - 1 ? 0 : channels;
      const pixel = y * stride + x * channels;
      for (let i = pixel; i < pixel + channels; i++) {
        const value = source[i] ?? 0;
        const around =
          (source[i + up] ?? 0) +
          (source[i + down] ?? 0) +
          (source[i + left] ?? 0) +
          (source[i + right] ?? 0);
        target[i] = value + amount * (4 * value - around);
      }
    }
  }
  return bitmap;
}
