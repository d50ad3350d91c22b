import type { InputType } from '@image-pipeline/shared/contracts/operations.ts';
import { asBuffer } from '../bitmap.ts';
import { undecodable } from './image-header.ts';
import { type GifImage, inspectGif } from './inspect-gif.ts';
import { inspectJpeg, type JpegImage } from './inspect-jpeg.ts';
import { inspectPng, type PngImage } from './inspect-png.ts';
import { inspectWebp, type WebpImage } from './inspect-webp.ts';

/** An image file, reduced to what its first frame needs. */
export type InspectedImage = GifImage | JpegImage | PngImage | WebpImage;

const inspectors = {
  'image/png': inspectPng,
  'image/jpeg': inspectJpeg,
  'image/gif': inspectGif,
  'image/webp': inspectWebp,
} satisfies Record<InputType, (file: Buffer) => InspectedImage>;

/**
 * Reads an image's structure in one pass over the file, without decoding a pixel.
 * @throws PermanentFailure `undecodable_image` if it is not a complete image of that type
 */
export function inspectImage(file: Uint8Array, type: InputType): InspectedImage {
  try {
    return inspectors[type](asBuffer(file));
  } catch (error) {
    if (error instanceof RangeError) throw undecodable('the file is truncated', error);
    throw error;
  }
}
