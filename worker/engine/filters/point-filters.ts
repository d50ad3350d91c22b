import type { Bitmap } from '../bitmap.ts';

type Weights = readonly [red: number, green: number, blue: number];

/**
 * Replaces every red, green and blue value v (0–255) by `level(v)`, rounded and clamped to 0–255. Alpha
 * stays.
 */
export function mapLevels({ data }: Bitmap, level: (value: number) => number): void {
  const levels = Uint8ClampedArray.from({ length: 256 }, (_, value) => level(value));
  for (let i = 0; i < data.length; i += 4) {
    data[i] = levels[data[i] ?? 0] ?? 0;
    data[i + 1] = levels[data[i + 1] ?? 0] ?? 0;
    data[i + 2] = levels[data[i + 2] ?? 0] ?? 0;
  }
}

/**
 * Replaces every colour by weighted sums of its red, green and blue, rounded and clamped to 0–255. Alpha
 * stays.
 */
export function mixChannels(bitmap: Bitmap, [red, green, blue]: readonly [Weights, Weights, Weights]): void {
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
