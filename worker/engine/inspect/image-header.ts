import { PermanentFailure } from '@image-pipeline/shared/errors.ts';
import type { Size } from '../bitmap.ts';
import type { Orientation } from './exif-orientation.ts';

export type ImageFormat = 'png' | 'jpeg' | 'gif' | 'webp';

/**
 * The properties of an image that are known without decoding its pixels. `width` and `height` are those of the first
 * frame.
 */
export interface ImageHeader extends Size {
  readonly format: ImageFormat;
  /** The EXIF orientation of the stored pixels; 1 = upright. */
  readonly orientation: Orientation;
  /** At least 1; more for animations. */
  readonly frames: number;
  /** Pixels of all frames together. */
  readonly totalPixels: number;
  /** The scans of a JPEG; 1 for other formats. */
  readonly scans: number;
  /** Whether a WebP may have an alpha channel even if it declares that it has none. */
  readonly mayHideAlpha?: boolean;
}

/**
 * The failure of a file that is not a valid image of its type.
 * @param reason completes "The image cannot be decoded: …"
 */
export function undecodable(reason: string, cause?: unknown): PermanentFailure {
  return new PermanentFailure('undecodable_image', `The image cannot be decoded: ${reason}.`, { cause });
}
