import { MAX_OUTPUT_SIDE } from '@image-pipeline/shared/contracts/operations.ts';
import { PermanentFailure, type ErrorCode } from '@image-pipeline/shared/errors.ts';
import type { Size } from './bitmap.ts';
import type { ImageHeader } from './inspect/image-header.ts';

/** What an image may ask for. All are checked before a pixel is decoded. */
export interface ImageLimits {
  /** Pixels of the frame that is decoded. */
  readonly maxPixels: number;
  /** Width and height of the frame that is decoded, in pixels. */
  readonly maxSide: number;
  /** Pixels of all frames of an animation together. */
  readonly maxTotalPixels: number;
  /** Scans of a progressive JPEG: each goes over the whole image. */
  readonly maxScans: number;
  /** Width and height that the operations may arrive at, in pixels. */
  readonly maxOutputSide: number;
  /** Pixels that the operations may arrive at. */
  readonly maxOutputPixels: number;
}

export const defaultImageLimits: ImageLimits = {
  maxPixels: 25_000_000,
  maxSide: 10_000,
  maxTotalPixels: 50_000_000,
  maxScans: 100,
  maxOutputSide: MAX_OUTPUT_SIDE,
  maxOutputPixels: 25_000_000,
};

/** @throws PermanentFailure `image_too_large`, naming the limit and the value seen */
export function checkInput(image: ImageHeader, limits: ImageLimits): void {
  const { width, height, totalPixels, scans } = image;
  const code = 'image_too_large';
  const size = `The image is ${width} × ${height} px`;
  check(code, Math.max(width, height), limits.maxSide, `${size}; the limit is`, 'px a side');
  check(code, width * height, limits.maxPixels, `${size}; the limit is`, 'px altogether');
  check(
    code,
    totalPixels,
    limits.maxTotalPixels,
    `The ${image.frames} frames of the image have ${totalPixels} px; the limit is`,
    'px',
  );
  check(code, scans, limits.maxScans, `The JPEG has ${scans} scans; the limit is`, 'scans');
}

/** @throws PermanentFailure `output_too_large`, naming the limit and the value seen */
export function checkOutput({ width, height }: Size, limits: ImageLimits): void {
  const code = 'output_too_large';
  const size = `The operations arrive at ${width} × ${height} px`;
  check(code, Math.max(width, height), limits.maxOutputSide, `${size}; the limit is`, 'px a side');
  check(code, width * height, limits.maxOutputPixels, `${size}; the limit is`, 'px altogether');
}

function check(code: ErrorCode, seen: number, limit: number, sentence: string, unit: string): void {
  if (seen <= limit) return;
  throw new PermanentFailure(code, `${sentence} ${limit} ${unit}.`, { details: { limit, seen } });
}
