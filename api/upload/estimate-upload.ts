import { type InputType, MAX_PIXELS } from '@image-pipeline/shared/contracts/operations.ts';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import { estimateMs, planSteps, type Size } from '@image-pipeline/shared/images/plan-steps.ts';
import { declaredSize } from './declared-size.ts';
import type { InspectedImage } from './inspect-image.ts';
import type { UploadOptions } from './upload-options.ts';

/** The largest image that workers process: what a file that does not say its size in the beginning may have. */
const LARGEST = { width: 5_000, height: 5_000 };

const formats = {
  'image/png': 'png',
  'image/jpeg': 'jpeg',
  'image/gif': 'gif',
  'image/webp': 'webp',
} as const satisfies Record<InputType, string>;

/**
 * The error of an image that would take long to process: a few bytes can be 25 million pixels, and each operation goes over
 * them. What workers refuse before they decode it is left to them. An image may be rotated by its EXIF orientation: the
 * higher estimate of both orientations counts.
 * @param maxSeconds of one core
 * @returns PipelineError `too_costly`; undefined if the image is not too costly
 */
export async function findCostly(
  { name, contentType, content }: InspectedImage,
  { operations, output }: UploadOptions,
  maxSeconds: number,
): Promise<PipelineError | undefined> {
  const source = declaredSize(await content.beginning(), contentType) ?? LARGEST;
  const format = formats[contentType];
  const estimate = (size: Size) => {
    let largest = pixelsOf(size);
    const steps = planSteps(size, operations, (step) => (largest = Math.max(largest, pixelsOf(step))));
    if (largest > MAX_PIXELS) return 0;
    const image = { ...size, format, scans: 1, bytes: content.size };
    return estimateMs(image, steps, output.format ?? (format === 'gif' ? 'png' : format));
  };
  const rotated = { width: source.height, height: source.width };
  const seconds = Math.round(Math.max(estimate(source), estimate(rotated)) / 100) / 10;
  if (seconds <= maxSeconds) return undefined;
  const megapixels = Math.round(pixelsOf(source) / 1e5) / 10;
  return new PipelineError(
    'too_costly',
    `Processing "${name}" (${megapixels} megapixels, operations: ${operations.length}) would take an estimated ${seconds} s. Maximum: ${maxSeconds} s. Use fewer operations, or resize the image first.`,
    { details: { limit: maxSeconds, seen: seconds } },
  );
}

function pixelsOf({ width, height }: Size): number {
  return width * height;
}
