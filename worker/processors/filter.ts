import type { Filter } from '@image-pipeline/shared/contracts/operations.ts';
import type { Bitmap, Image } from '../engine/bitmap.ts';
import { blur } from '../engine/filters/blur.ts';
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
 * Filters in place. jimp's own filters are not used: its greyscale makes 254 of white, its sepia computes
 * green from the new red, its contrast uses another formula, and its blur and convolution take at least half a second per
 * megapixel.
 */
export function filter(image: Image, operation: Filter): void {
  switch (operation.name) {
    case 'grayscale':
      mixChannels(image.bitmap, [LUMA, LUMA, LUMA]);
      break;
    case 'sepia':
      mixChannels(image.bitmap, SEPIA);
      break;
    case 'invert':
      mapLevels(image.bitmap, (value) => 255 - value);
      break;
    case 'brightness':
      mapLevels(image.bitmap, (value) => value * operation.amount);
      break;
    case 'contrast':
      mapLevels(image.bitmap, (value) => (value - 127.5) * operation.amount + 127.5);
      break;
    case 'blur':
      withPremultipliedAlpha(image, () => blur(image.bitmap, operation.radius));
      break;
    case 'sharpen':
      withPremultipliedAlpha(image, () => sharpen(image.bitmap, operation.amount));
      break;
  }
}

type Weights = readonly [red: number, green: number, blue: number];

/**
 * Replaces every red, green and blue value v (0–255) with `level(v)`, rounded and clamped to 0–255. Alpha
 * stays.
 */
function mapLevels({ data }: Bitmap, level: (value: number) => number): void {
  const levels = Uint8ClampedArray.from({ length: 256 }, (_, value) => level(value));
  for (let i = 0; i < data.length; i += 4) {
    data[i] = levels[data[i] ?? 0] ?? 0;
    data[i + 1] = levels[data[i + 1] ?? 0] ?? 0;
    data[i + 2] = levels[data[i + 2] ?? 0] ?? 0;
  }
}

/**
 * Replaces every colour with weighted sums of its red, green and blue, rounded and clamped to 0–255. Alpha
 * stays.
 */
function mixChannels(bitmap: Bitmap, [red, green, blue]: readonly [Weights, Weights, Weights]): void {
  const data = new Uint8ClampedArray(bitmap.data.buffer, bitmap.data.byteOffset, bitmap.data.length);
  for (let i = 0; i < data.length; i += 4) {
    const r = data[i] ?? 0;
    const g = data[i + 1] ?? 0;
    const b = data[i + 2] ?? 0;
    data[i] = red[0] * r + red[1] * g + red[2] * b;
    data[i + 1] = green[0] * r + green[1] * g + green[2] * b;
    data[i + 2] = blue[0] * r + blue[1] * g + blue[2] * b;
  }
}

/**
 * Convolves all four channels with the 3 × 3 kernel 0 −a 0 / −a 1+4a −a / 0 −a 0: adds `amount` (a) times
 * the difference between a pixel and its four neighbours. Edge pixels are repeated beyond the edge. In place.
 * @param bitmap with premultiplied alpha
 */
function sharpen({ data, width, height }: Bitmap, amount: number): void {
  const source = Uint8Array.from(data);
  const target = new Uint8ClampedArray(data.buffer, data.byteOffset, data.length);
  const stride = width * 4;
  for (let y = 0; y < height; y++) {
    const up = y === 0 ? 0 : -stride;
    const down = y === height - 1 ? 0 : stride;
    for (let x = 0; x < width; x++) {
      const left = x === 0 ? 0 : -4;
      const right = x === width - 1 ? 0 : 4;
      const pixel = y * stride + x * 4;
      for (let i = pixel; i < pixel + 4; i++) {
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
}
