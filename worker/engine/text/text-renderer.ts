import { fileURLToPath } from 'node:url';
import { asDrawn, whyNotDrawable } from '@image-pipeline/shared/contracts/drawable-text.ts';
import { PermanentFailure } from '@image-pipeline/shared/errors.ts';
import { LRUCache } from 'lru-cache';
import sharp, { type Sharp } from 'sharp';
import type { Bitmap } from '../bitmap.ts';
import { fontFiles } from './fonts.ts';

export interface TextRequest {
  /** Any Unicode text; line breaks count. */
  readonly text: string;
  /** Font size (em), in pixels. */
  readonly fontSize: number;
  /** Lines are broken to stay within so many pixels, outline included. */
  readonly maxWidth: number;
  readonly align: 'left' | 'centre' | 'right';
}

/**
 * White with a dark outline, on a transparent background, cropped to the text. Its pixels are shared: do not modify.
 * @throws PermanentFailure `processing_failed` if nothing in the text is visible, or no font has one of its characters
 */
export type DrawText = (request: TextRequest) => Promise<Bitmap>;

/** Size of the cache of drawn texts, in bytes of pixels: images of a batch mostly share one watermark. */
const CACHE_BYTES = 32 * 1024 * 1024;
const FONT = 'Noto Sans';

/**
 * Draws texts with Pango, which is part of libvips: line breaking, right-to-left scripts, shaping and a fallback font for
 * every character. Only the fonts of `fonts.ts` are used: fontconfig reads its configuration once a process, when the
 * first text is drawn, so nothing may have drawn one before. Draws one at once, since fontconfig is slow for the first.
 */
export async function createTextRenderer(): Promise<DrawText> {
  const drawn = new LRUCache<string, Bitmap>({
    maxSize: CACHE_BYTES,
    sizeCalculation: ({ data }) => data.length,
  });
  process.env['FONTCONFIG_FILE'] = fileURLToPath(new URL('fonts.conf', import.meta.url));
  for (const fontfile of fontFiles) await sharp({ text: { text: 'A', fontfile } }).toBuffer();
  await draw({ text: 'Aя漢한😀', fontSize: 16, maxWidth: 200, align: 'left' });

  return async (request) => {
    const key = JSON.stringify(request);
    const cached = drawn.get(key);
    if (cached !== undefined) return cached;
    const bitmap = await draw(request);
    drawn.set(key, bitmap);
    return bitmap;
  };
}

async function draw({ text, fontSize, maxWidth, align }: TextRequest): Promise<Bitmap> {
  const problem = whyNotDrawable(text);
  if (problem !== undefined)
    throw new PermanentFailure('processing_failed', `The watermark text ${problem}.`);
  const outline = outlineWidth(fontSize);
  const glyphs = sharp({
    text: {
      text: asPangoMarkup(text),
      font: `${FONT} ${fontSize}`,
      dpi: 72, // one point of font size is one pixel
      width: Math.max(1, maxWidth - 2 * outline),
      wrap: 'word-char',
      align,
    },
  });
  try {
    return await outlined(glyphs, outline);
  } catch (error) {
    throw new PermanentFailure('processing_failed', 'The watermark text cannot be drawn.', {
      cause: error,
    });
  }
}

/** In pixels, for a font size in pixels. */
function outlineWidth(fontSize: number): number {
  return Math.max(2, Math.round(fontSize / 12));
}

/** The text escaped for XML, without hyphens where a word is broken. */
function asPangoMarkup(text: string): string {
  const escaped = asDrawn(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return `<span insert_hyphens="false">${escaped}</span>`;
}

/** Opacity of the outline, 0–1. */
const OUTLINE_OPACITY = 0.9;
/** Blurring weakens the outline; it is multiplied by this factor afterwards. */
const GAIN = 4;

/**
 * White glyphs with a soft black outline, readable on any background.
 * @param glyphs white on black
 * @param width of the outline, in pixels; the image grows by that on every side
 */
async function outlined(glyphs: Sharp, width: number): Promise<Bitmap> {
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
  return { data: pixels, width: info.width, height: info.height, channels: 4 };
}
