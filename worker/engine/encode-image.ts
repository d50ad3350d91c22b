import type { OutputFormat } from '@image-pipeline/shared/contracts/operations.ts';
import type { Bitmap, Image } from './bitmap.ts';
import { blendOver } from './blend.ts';
import type { Codecs } from './codecs.ts';

const encodings = {
  png: { contentType: 'image/png', extension: 'png' },
  jpeg: { contentType: 'image/jpeg', extension: 'jpg' },
  webp: { contentType: 'image/webp', extension: 'webp' },
} as const;

export interface EncodedImage {
  readonly bytes: Uint8Array;
  readonly contentType: (typeof encodings)[OutputFormat]['contentType'];
  readonly extension: (typeof encodings)[OutputFormat]['extension'];
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
}

/**
 * Encodes pixels and nothing else: no EXIF, no profile (the pixels are sRGB), no text. In JPEG, transparency is
 * flattened onto white.
 * @param quality 1–100, for JPEG and WebP
 */
export async function encodeImage(
  image: Image,
  format: OutputFormat,
  quality: number,
  codecs: Codecs,
): Promise<EncodedImage> {
  const { width, height } = image;
  const bitmap = format === 'jpeg' && image.hasAlpha() ? onWhite(image.bitmap) : image.bitmap;
  const bytes = await codecs[format].encode(bitmap, quality);
  return { bytes, ...encodings[format], width, height };
}

function onWhite(bitmap: Bitmap): Bitmap {
  const paper = { ...bitmap, data: Buffer.alloc(bitmap.data.length, 0xff) };
  blendOver(paper, bitmap, 0, 0);
  return paper;
}
