import type { OutputFormat } from '@image-pipeline/shared/contracts/operations.ts';
import type { Size } from '@image-pipeline/shared/images/plan-steps.ts';
import type { Sharp } from 'sharp';
import { asSharp, isOpaque, resizeIn, type Bitmap } from './bitmap.ts';

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
export function encodeImage(image: Bitmap, format: OutputFormat, quality: number): Promise<EncodedImage> {
  return encode(withoutUnusedAlpha(image), format, quality);
}

/** A JPEG of the image, reduced to a size. */
export function encodeThumbnail(image: Bitmap, size: Size): Promise<EncodedImage> {
  return encode(resizeIn(withoutUnusedAlpha(image), size, image.channels === 4), 'jpeg', THUMBNAIL_QUALITY);
}

const THUMBNAIL_QUALITY = 80;

async function encode(image: Sharp, format: OutputFormat, quality: number): Promise<EncodedImage> {
  const { data, info } = await encoders[format](image, quality).toBuffer({ resolveWithObject: true });
  return { bytes: data, ...encodings[format], width: info.width, height: info.height };
}

/** Speed against size; measured in docs/decisions/images.md. */
const encoders: Readonly<Record<OutputFormat, (image: Sharp, quality: number) => Sharp>> = {
  jpeg: (image, quality) => image.flatten({ background: 'white' }).jpeg({ quality, optimiseCoding: false }),
  png: (image) => image.png({ compressionLevel: 2 }),
  webp: (image, quality) => image.webp({ quality, effort: 2 }),
};

function withoutUnusedAlpha(image: Bitmap): Sharp {
  return isOpaque(image) ? asSharp(image).removeAlpha() : asSharp(image);
}
