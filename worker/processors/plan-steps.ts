import type {
  Filter,
  Operation,
  OutputFormat,
  Watermark,
} from '@image-pipeline/shared/contracts/operations.ts';
import type { Size } from '../engine/bitmap.ts';
import type { ImageHeader } from '../engine/inspect/image-header.ts';
import { checkOutput, type ImageLimits } from '../engine/image-limits.ts';
import { planResize, type ResizePlan } from './resize.ts';

export type Step = ({ readonly type: 'resize' } & ResizePlan) | Watermark | Filter;

/** The operations with the sizes of all resizes. @throws PermanentFailure `output_too_large` */
export function planSteps(source: Size, operations: readonly Operation[], limits: ImageLimits): Step[] {
  let size = source;
  const steps = operations.map((operation): Step => {
    if (operation.type !== 'resize') return operation;
    const plan = planResize(size, operation);
    size = plan.target;
    checkOutput(size, limits);
    return { type: 'resize', ...plan };
  });
  checkOutput(size, limits);
  return steps;
}

/**
 * Milliseconds per megapixel, measured with jimp and photos on one core. An image with transparency can take twice as long.
 * Decoding also depends on the number of scans and the size of the file: 100 scans of one colour take 54 ms per megapixel,
 * 100 scans of noise 225 ms.
 */
const COST = {
  decode: { jpeg: 2, png: 2, gif: 10, webp: 20 },
  scan: 0.6,
  /** Milliseconds per megabyte of the file. */
  megabyte: 10,
  resize: 40,
  watermark: 10,
  filter: { grayscale: 4, sepia: 4, invert: 3, brightness: 3, contrast: 3, blur: 27, sharpen: 14 },
  encode: { jpeg: 4, png: 45, webp: 64 },
} as const;

/**
 * How long it takes to process an image, in milliseconds: a rough estimate, which is a multiple of the pixels of each step.
 * @param source the original; `bytes` is the size of its file
 */
export function estimateMs(
  source: Pick<ImageHeader, 'format' | 'scans' | 'width' | 'height'> & { readonly bytes: number },
  steps: readonly Step[],
  output: OutputFormat,
): number {
  const megapixels = ({ width, height }: Size) => (width * height) / 1e6;
  let size: Size = source;
  let ms = (COST.decode[source.format] + COST.scan * source.scans) * megapixels(source);
  ms += (COST.megabyte * source.bytes) / 1e6;
  for (const [index, step] of steps.entries()) {
    if (step.type === 'filter') ms += COST.filter[step.name] * megapixels(size);
    if (step.type === 'watermark') ms += COST.watermark * megapixels(size);
    if (step.type !== 'resize') continue;
    // A first resize that reduces the image is part of decoding.
    if (index > 0) ms += COST.resize * Math.max(megapixels(size), megapixels(step.target));
    size = step.target;
  }
  return ms + COST.encode[output] * megapixels(size);
}
