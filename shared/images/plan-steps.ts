import type { Filter, Operation, OutputFormat, Resize, Watermark } from '../contracts/operations.ts';

export interface Size {
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
}

/** A resize of any copy of an image, reduced or not. */
export interface ResizePlan {
  /** The share of the image's width and height that is kept, from its centre; above 0, at most 1. */
  readonly keep: { readonly x: number; readonly y: number };
  /** The size of the result, in pixels. */
  readonly target: Size;
}

/**
 * The crop and the target size of a resize; a pure function, so that the size of a result is known beforehand.
 * `contain` and a resize with one side only keep the aspect ratio. `cover` keeps the aspect ratio of the box:
 * where the image is smaller than the box and must not be enlarged, the box shrinks. `fill` keeps none.
 */
export function planResize(image: Size, { width, height, fit, enlarge }: Resize): ResizePlan {
  const scaleX = (width ?? Infinity) / image.width;
  const scaleY = (height ?? Infinity) / image.height;
  const largest = enlarge ? Infinity : 1;
  const whole = { x: 1, y: 1 };

  if (width === undefined || height === undefined || fit === 'contain') {
    return { keep: whole, target: scaled(image, Math.min(scaleX, scaleY, largest)) };
  }
  if (fit === 'fill') {
    const target = enlarge ? { width, height } : smaller(image, { width, height });
    return { keep: whole, target };
  }
  const scale = Math.max(scaleX, scaleY);
  const crop = smaller(image, scaled({ width, height }, 1 / scale));
  return {
    keep: { x: crop.width / image.width, y: crop.height / image.height },
    target: scaled({ width, height }, Math.min(1, largest / scale)),
  };
}

export type Step = ({ readonly type: 'resize' } & ResizePlan) | Watermark | Filter;

/**
 * The operations with the sizes of all resizes.
 * @param check called with the size after each resize, and at the end; may throw
 */
export function planSteps(
  source: Size,
  operations: readonly Operation[],
  check: (size: Size) => void = () => undefined,
): Step[] {
  let size = source;
  const steps = operations.map((operation): Step => {
    if (operation.type !== 'resize') return operation;
    const plan = planResize(size, operation);
    size = plan.target;
    check(size);
    return { type: 'resize', ...plan };
  });
  check(size);
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

/** An original, as far as it decides how long it takes to process it. */
export interface SourceImage extends Size {
  readonly format: keyof typeof COST.decode;
  /** The scans of a JPEG; 1 for other formats. */
  readonly scans: number;
  /** The size of its file. */
  readonly bytes: number;
}

/**
 * How long it takes to process an image, in milliseconds: a rough estimate, which is a multiple of the pixels of each step.
 * The API refuses uploads by it, and workers find slow images by it.
 */
export function estimateMs(source: SourceImage, steps: readonly Step[], output: OutputFormat): number {
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

function scaled({ width, height }: Size, scale: number): Size {
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/** The smaller of the widths and of the heights. */
export function smaller(a: Size, b: Size): Size {
  return { width: Math.min(a.width, b.width), height: Math.min(a.height, b.height) };
}
