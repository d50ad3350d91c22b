import type { InputType } from '@image-pipeline/shared/contracts/operations.ts';
import { asBuffer } from '../bitmap.ts';
import { undecodable, type ImageHeader } from './image-header.ts';
import { inspectGif } from './inspect-gif.ts';
import { inspectJpeg } from './inspect-jpeg.ts';
import { inspectPng, type PngHeader } from './inspect-png.ts';
import { inspectWebp } from './inspect-webp.ts';

const inspectors = {
  'image/png': inspectPng,
  'image/jpeg': inspectJpeg,
  'image/gif': inspectGif,
  'image/webp': inspectWebp,
} satisfies Record<InputType, (file: Buffer) => ImageHeader>;

/**
 * Reads an image's structure in one pass over the file, without decoding a pixel.
 * @throws PermanentFailure `undecodable_image` if it is not a complete image of that type
 */
export function inspectImage(file: Uint8Array, type: InputType): ImageHeader | PngHeader {
  try {
    return inspectors[type](asBuffer(file));
  } catch (error) {
    if (error instanceof RangeError) throw undecodable('the file is truncated', error);
    throw error;
  }
}
