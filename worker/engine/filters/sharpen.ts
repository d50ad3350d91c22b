import type { Bitmap } from '../bitmap.ts';

/**
 * Convolves all four channels with the 3 × 3 kernel 0 −a 0 / −a 1+4a −a / 0 −a 0: what a pixel differs by
 * from its four neighbours is added `amount` (a) times. Pixels at the edge count as their own neighbours
 * outside. In place.
 * @param bitmap with premultiplied alpha
 */
export function sharpen({ data, width, height }: Bitmap, amount: number): void {
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
