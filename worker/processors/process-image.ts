import type {
  InputType,
  Operation,
  Output,
  OutputFormat,
  Resize,
} from '@image-pipeline/shared/contracts/operations.ts';
import {
  estimateMs,
  planResize,
  planSteps,
  type Step,
  type Size,
} from '@image-pipeline/shared/images/plan-steps.ts';
import type { Bitmap } from '../engine/bitmap.ts';
import { decodeImage, orientedSize } from '../engine/decode-image.ts';
import { encodeImage, encodeThumbnail, type EncodedImage } from '../engine/encode-image.ts';
import type { Engine } from '../engine/engine.ts';
import { checkInput, checkOutput, checkOutputBytes, type ImageLimits } from '../engine/image-limits.ts';
import { checkPngData } from '../engine/inspect/check-png-data.ts';
import type { ImageFormat } from '../engine/inspect/image-header.ts';
import { inspectImage } from '../engine/inspect/inspect-image.ts';
import { filter } from './filter.ts';
import { reducedFor, resize } from './resize.ts';
import { stopwatch } from './stopwatch.ts';
import { watermark } from './watermark.ts';

export type { EncodedImage };

export interface ImageTask {
  readonly bytes: Uint8Array;
  /** The type detected from the bytes. */
  readonly contentType: InputType;
  /** Applied in this order. */
  readonly operations: readonly Operation[];
  readonly output: Output;
  readonly limits: ImageLimits;
}

/** Stage durations in milliseconds. Decoding includes inspection and orientation. */
export interface StageTimings {
  readonly decode_ms: number;
  readonly operations_ms: number;
  readonly encode_ms: number;
  readonly thumbnail_ms: number;
}

export interface ProcessedImage {
  readonly result: EncodedImage;
  /** A JPEG of the result that fits inside 256 × 256 px. */
  readonly thumbnail: EncodedImage;
  /** Size of the upright original, in pixels. */
  readonly source: Size;
  readonly timings: StageTimings;
}

const THUMBNAIL: Resize = { type: 'resize', width: 256, height: 256, fit: 'contain', enlarge: false };

/** What is called while an image is processed. */
export interface Progress {
  /** Before it is decoded; may throw. @param estimatedMs how long it will take, see `estimateMs` */
  readonly onPlanned: (estimatedMs: number) => void;
  /** When it is decoded: decoding has a deadline of its own. */
  readonly onDecoded: () => void;
}

/**
 * Makes a result and a thumbnail from an image file. Too large images are rejected before a pixel is decoded.
 * @throws PermanentFailure `undecodable_image`, `image_too_large`, `output_too_large` or `processing_failed`; what `onPlanned` throws
 */
export async function processImage(
  task: ImageTask,
  engine: Engine,
  progress?: Progress,
): Promise<ProcessedImage> {
  const { bytes, operations, output, limits } = task;
  const lap = stopwatch();

  const inspected = inspectImage(bytes, task.contentType);
  checkInput(inspected, limits);
  const source = orientedSize(inspected, inspected.orientation);
  const steps = planSteps(source, operations, (size) => checkOutput(size, limits));
  const format = outputFormat(output, inspected.format);
  progress?.onPlanned(estimateMs({ ...inspected, ...source, bytes: bytes.length }, steps, format));
  if (inspected.format === 'png') await checkPngData(inspected);
  const [first, ...others] = steps;
  const reduceTo = first?.type === 'resize' ? reducedFor(first, source) : source;
  const alpha = engine.resizesRgba && others.some(({ type }) => type === 'resize');
  let image = await decodeImage(inspected, reduceTo, alpha);
  const decode_ms = lap();
  progress?.onDecoded();

  for (const step of steps) {
    image = await apply(step, image, engine);
  }
  const operations_ms = lap();

  const result = await encodeImage(image, format, output.quality);
  checkOutputBytes(result.bytes.length, bytes.length, limits);
  const encode_ms = lap();

  const thumbnail = await encodeThumbnail(image, planResize(image, THUMBNAIL).target);
  const thumbnail_ms = lap();

  return { result, thumbnail, source, timings: { decode_ms, operations_ms, encode_ms, thumbnail_ms } };
}

async function apply(step: Step, image: Bitmap, engine: Engine): Promise<Bitmap> {
  switch (step.type) {
    case 'resize':
      return resize(image, step, engine);
    case 'watermark':
      await watermark(image, step, engine.drawText);
      return image;
    case 'filter':
      return filter(image, step, engine);
  }
}

/** The requested format, or that of the input; GIF becomes PNG. */
function outputFormat({ format }: Output, input: ImageFormat): OutputFormat {
  return format ?? (input === 'gif' ? 'png' : input);
}
