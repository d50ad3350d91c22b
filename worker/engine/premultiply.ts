import { isOpaque, type Bitmap } from './bitmap.ts';

/**
 * Runs an operation that mixes neighbouring pixels with premultiplied alpha: otherwise the colour of transparent
 * pixels bleeds into visible ones. Costs nothing for opaque images.
 *
 * Meanwhile alpha goes from 1 to 255, not from 0: jimp's resize leaves pixels of alpha 0 out of the average
 * of the colours but not of the alphas, which is right only for colours that are not weighted.
 * @param image RGBA; changed in place
 */
export function withPremultipliedAlpha(image: Bitmap, mix: (image: Bitmap) => Bitmap): Bitmap {
  if (isOpaque(image)) return mix(image);
  premultiply(channelsOf(image));
  const mixed = mix(image);
  unpremultiply(channelsOf(mixed));
  return mixed;
}

function premultiply(data: Uint8ClampedArray): void {
  for (let i = 0; i < data.length; i += 4) {
    const alpha = data[i + 3] ?? 0;
    if (alpha === 255) continue;
    data[i] = ((data[i] ?? 0) * alpha) / 255;
    data[i + 1] = ((data[i + 1] ?? 0) * alpha) / 255;
    data[i + 2] = ((data[i + 2] ?? 0) * alpha) / 255;
    data[i + 3] = 1 + (alpha * 254) / 255;
  }
}

function unpremultiply(data: Uint8ClampedArray): void {
  for (let i = 0; i < data.length; i += 4) {
    const alpha = (((data[i + 3] ?? 0) - 1) * 255) / 254;
    if (alpha === 255) continue;
    const weight = alpha > 0 ? 255 / alpha : 0;
    data[i] = (data[i] ?? 0) * weight;
    data[i + 1] = (data[i + 1] ?? 0) * weight;
    data[i + 2] = (data[i + 2] ?? 0) * weight;
    data[i + 3] = alpha;
  }
}

/** The same memory as a type of array that rounds and clamps to 0–255 what is written to it. */
function channelsOf({ data }: Bitmap): Uint8ClampedArray {
  return new Uint8ClampedArray(data.buffer, data.byteOffset, data.length);
}
