import type {
  InputType,
  Operation,
  Output,
  OutputFormat,
  Resize,
} from '@image-pipeline/shared/contracts/operations.ts';
import { Jimp } from 'jimp';
import { applyOrientation, orientedSize } from '../engine/apply-orientation.ts';
import type { Image, Size } from '../engine/bitmap.ts';
import { decodeImage } from '../engine/decode-image.ts';
import { encodeImage, type EncodedImage } from '../engine/encode-image.ts';
import type { Engine } from '../engine/engine.ts';
import { checkInput, checkOutput, type ImageLimits } from '../engine/image-limits.ts';
import { checkPngData } from '../engine/inspect/check-png-data.ts';
import type { ImageFormat } from '../engine/inspect/image-header.ts';
import { inspectImage } from '../engine/inspect/inspect-image.ts';
import { filter } from './filter.ts';
import { planResize, resize } from './resize.ts';
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
const THUMBNAIL_QUALITY = 80;

/**
 * Makes a result and a thumbnail from an image file. Too large images are rejected before a pixel is decoded.
 * @throws PermanentFailure `undecodable_image`, `image_too_large`, `output_too_large` or `processing_failed`
 */
export async function processImage(task: ImageTask, engine: Engine): Promise<ProcessedImage> {
  const { bytes, operations, output, limits } = task;
  const { codecs } = engine;
  const lap = stopwatch();

  const header = inspectImage(bytes, task.contentType);
  checkInput(header, limits);
  const source = orientedSize(header, header.orientation);
  checkSizes(source, operations, limits);
  if ('compressed' in header) await checkPngData(header);
  const image: Image = new Jimp(await decodeImage(bytes, header, codecs));
  applyOrientation(image, header.orientation);
  const decode_ms = lap();

  for (const operation of operations) await apply(operation, image, engine);
  const operations_ms = lap();

  const result = await encodeImage(image, outputFormat(output, header.format), output.quality, codecs);
  const encode_ms = lap();

  resize(image, THUMBNAIL);
  const thumbnail = await encodeImage(image, 'jpeg', THUMBNAIL_QUALITY, codecs);
  const thumbnail_ms = lap();

  return { result, thumbnail, source, timings: { decode_ms, operations_ms, encode_ms, thumbnail_ms } };
}

/** Checks the image's size after each operation. @throws PermanentFailure `output_too_large` */
function checkSizes(source: Size, operations: readonly Operation[], limits: ImageLimits): void {
  let size = source;
  for (const operation of operations) {
    if (operation.type !== 'resize') continue;
    size = planResize(size, operation).target;
    checkOutput(size, limits);
  }
  checkOutput(size, limits);
}

async function apply(operation: Operation, image: Image, { drawText }: Engine): Promise<void> {
  switch (operation.type) {
    case 'resize':
      resize(image, operation);
      break;
    case 'watermark':
      await watermark(image, operation, drawText);
      break;
    case 'filter':
      filter(image, operation);
      break;
  }
}

/** The requested format, or that of the input; GIF becomes PNG. */
function outputFormat({ format }: Output, input: ImageFormat): OutputFormat {
  return format ?? (input === 'gif' ? 'png' : input);
}
