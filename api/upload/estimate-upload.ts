import type { InputType } from '@image-pipeline/shared/contracts/operations.ts';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import { estimateMs, planSteps, type Size } from '@image-pipeline/shared/images/plan-steps.ts';
import { imageSize } from './image-size.ts';
import type { InspectedImage } from './inspect-image.ts';
import type { UploadOptions } from './upload-options.ts';

/** The largest image that workers process: what a file that does not say its size in the beginning may have. */
const LARGEST = { width: 5_000, height: 5_000 };
const MAX_PIXELS = pixelsOf(LARGEST);

const formats = {
  'image/png': 'png',
  'image/jpeg': 'jpeg',
  'image/gif': 'gif',
  'image/webp': 'webp',
} as const satisfies Record<InputType, string>;

/**
 * Refuses an image that would take long to process: a few bytes can be 25 million pixels, and each operation goes over them.
 * What workers refuse before they decode it is left to them.
 * @param maxSeconds of one core
 * @throws PipelineError `too_costly`
 */
export async function refuseCostly(
  { name, contentType, content }: InspectedImage,
  { operations, output }: UploadOptions,
  maxSeconds: number,
): Promise<void> {
  const source = imageSize(await content.beginning(), contentType) ?? LARGEST;
  let largest = pixelsOf(source);
  const steps = planSteps(source, operations, (size) => (largest = Math.max(largest, pixelsOf(size))));
  if (largest > MAX_PIXELS) return;
  const format = formats[contentType];
  const estimated = { ...source, format, scans: 1, bytes: content.size };
  const ms = estimateMs(estimated, steps, output.format ?? (format === 'gif' ? 'png' : format));
  const seconds = Math.round(ms / 100) / 10;
  if (seconds <= maxSeconds) return;
  const megapixels = Math.round(pixelsOf(source) / 1e5) / 10;
  throw new PipelineError(
    'too_costly',
    `Processing "${name}" (${megapixels} megapixels, operations: ${operations.length}) would take an estimated ${seconds} s. Maximum: ${maxSeconds} s. Use fewer operations, or resize the image first.`,
    { details: { limit: maxSeconds, seen: seconds } },
  );
}

function pixelsOf({ width, height }: Size): number {
  return width * height;
}
