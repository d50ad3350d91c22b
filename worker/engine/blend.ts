import type { Bitmap } from './bitmap.ts';

/**
 * Draws a bitmap over another, in place: Porter and Duff's "source over", rounded to the nearest level.
 * (jimp's `composite` rounds down, which leaves an opaque image with pixels of alpha 254.)
 * @param upper RGBA
 * @param left and top of the upper bitmap in the lower, in pixels; it must fit
 * @param opacity 0–1, multiplied with the alpha of the upper bitmap
 */
export function blendOver(lower: Bitmap, upper: Bitmap, left: number, top: number, opacity = 1): void {
  const target = new Uint8ClampedArray(lower.data.buffer, lower.data.byteOffset, lower.data.length);
  const source = upper.data;
  const { channels } = lower;
  for (let y = 0; y < upper.height; y++) {
    let to = ((top + y) * lower.width + left) * channels;
    const end = (y + 1) * upper.width * 4;
    for (let from = y * upper.width * 4; from < end; from += 4, to += channels) {
      const over = ((source[from + 3] ?? 0) / 255) * opacity;
      if (over === 0) continue;
      const under = (channels === 3 ? 1 : (target[to + 3] ?? 0) / 255) * (1 - over);
      const alpha = over + under;
      target[to] = ((source[from] ?? 0) * over + (target[to] ?? 0) * under) / alpha;
      target[to + 1] = ((source[from + 1] ?? 0) * over + (target[to + 1] ?? 0) * under) / alpha;
      target[to + 2] = ((source[from + 2] ?? 0) * over + (target[to + 2] ?? 0) * under) / alpha;
      if (channels === 4) target[to + 3] = alpha * 255;
    }
  }
}
