import type { Sharp } from 'sharp';
import sharp from 'sharp';
import type { Bitmap } from '../bitmap.ts';

/** How opaque the outline is, 0–1. */
const OUTLINE_OPACITY = 0.9;
/** Blurring thins the outline out; it is made so many times as strong again. */
const GAIN = 4;

/**
 * White glyphs with a soft black outline, which can be read on any background.
 * @param glyphs white on black
 * @param width of the outline, in pixels; the picture grows by that on every side
 */
export async function outlined(glyphs: Sharp, width: number): Promise<Bitmap> {
  const { data, info } = await glyphs
    .extractChannel(0)
    .extend({ top: width, bottom: width, left: width, right: width, background: 'black' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const raw = { width: info.width, height: info.height, channels: 1 } as const;
  const blurred = await sharp(data, { raw })
    .blur(width / 2)
    .extractChannel(0)
    .raw()
    .toBuffer();

  const pixels = Buffer.alloc(data.length * 4);
  for (let i = 0; i < data.length; i++) {
    const white = (data[i] ?? 0) / 255;
    const black = Math.min(1, ((blurred[i] ?? 0) / 255) * GAIN) * OUTLINE_OPACITY * (1 - white);
    const alpha = white + black;
    if (alpha > 0) pixels.fill(Math.round((white / alpha) * 255), i * 4, i * 4 + 3);
    pixels[i * 4 + 3] = Math.round(alpha * 255);
  }
  return { data: pixels, width: info.width, height: info.height };
}
