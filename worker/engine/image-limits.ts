import { MAX_OUTPUT_SIDE, MAX_PIXELS } from '@image-pipeline/shared/contracts/operations.ts';
import { PermanentFailure, type ErrorCode } from '@image-pipeline/shared/errors.ts';
import type { Size } from '@image-pipeline/shared/images/plan-steps.ts';
import type { ImageHeader } from './inspect/image-header.ts';

/** The limits of an image. All are checked before a pixel is decoded. */
export interface ImageLimits {
  /** Pixels of the frame that is decoded. */
  readonly maxPixels: number;
  /** Width and height of the frame that is decoded, in pixels. */
  readonly maxSide: number;
  /** Scans of a JPEG. */
  readonly maxScans: number;
  /** Scans of a JPEG times its pixels: each scan of a progressive JPEG goes over the whole image. */
  readonly maxScannedPixels: number;
  /** Chunks, segments or blocks of a file. Each takes time to read, however small it is. */
  readonly maxPieces: number;
  /** Maximum width and height after any operation, in pixels. */
  readonly maxOutputSide: number;
  /** Maximum pixels after any operation. */
  readonly maxOutputPixels: number;
  /** Maximum size of a result file, in bytes, unless the original is large as well. */
  readonly maxOutputBytes: number;
  /** Maximum size of a result file, as a multiple of the size of its original, if that is larger. */
  readonly maxGrowth: number;
}

export const defaultImageLimits: ImageLimits = {
  maxPixels: MAX_PIXELS,
  maxSide: 10_000,
  maxScans: 100,
  // Takes 1 to 3 s. An ordinary progressive JPEG has some 10 scans, 250 million pixels for the largest image.
  maxScannedPixels: 500_000_000,
  // Takes up to 0.5 s. Ordinary files have at most a few thousand; 10 MiB could contain 2.6 million.
  maxPieces: 1_000_000,
  maxOutputSide: MAX_OUTPUT_SIDE,
  maxOutputPixels: MAX_PIXELS,
  // A photo of 25 megapixels takes some 45 MB as PNG; noise takes 75 MB, and 9 MB as JPEG.
  maxOutputBytes: 50 * 1024 * 1024,
  maxGrowth: 10,
};

/** @throws PermanentFailure `image_too_large`, naming the limit and the value seen */
export function checkInput(image: ImageHeader, limits: ImageLimits): void {
  const { width, height, scans, pieces } = image;
  const code = 'image_too_large';
  const size = `The image is ${width} × ${height} px`;
  check(code, Math.max(width, height), limits.maxSide, `${size}; the limit is`, 'px per side');
  check(code, width * height, limits.maxPixels, `${size}; the limit is`, 'px in total');
  check(code, scans, limits.maxScans, `The JPEG has ${scans} scans; the limit is`, 'scans');
  check(
    code,
    scans * width * height,
    limits.maxScannedPixels,
    `The JPEG has ${scans} scans of ${width * height} px, ${scans * width * height} px in total; the limit is`,
    'px in all scans',
  );
  const parts = `The file has ${pieces} parts (chunks, segments or blocks); the limit is`;
  check(code, pieces, limits.maxPieces, parts, 'parts');
}

/** @throws PermanentFailure `output_too_large`, naming the limit and the value seen */
export function checkOutput({ width, height }: Size, limits: ImageLimits): void {
  const code = 'output_too_large';
  const size = `The operations produce ${width} × ${height} px`;
  check(code, Math.max(width, height), limits.maxOutputSide, `${size}; the limit is`, 'px per side');
  check(code, width * height, limits.maxOutputPixels, `${size}; the limit is`, 'px in total');
}

/** @throws PermanentFailure `output_too_large`, naming the limit and the value seen */
export function checkOutputBytes(bytes: number, originalBytes: number, limits: ImageLimits): void {
  const limit = Math.max(limits.maxOutputBytes, limits.maxGrowth * originalBytes);
  const sentence = `The result has ${bytes} bytes; use JPEG or WebP, or a smaller size. The limit is`;
  check('output_too_large', bytes, limit, sentence, 'bytes');
}

function check(code: ErrorCode, seen: number, limit: number, sentence: string, unit: string): void {
  if (seen <= limit) return;
  throw new PermanentFailure(code, `${sentence} ${limit} ${unit}.`, { details: { limit, seen } });
}
