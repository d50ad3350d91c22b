import { PermanentFailure } from '@image-pipeline/shared/errors.ts';
import type { Size } from '../bitmap.ts';
import type { Orientation } from './exif-orientation.ts';

export type ImageFormat = 'png' | 'jpeg' | 'gif' | 'webp';

/**
 * What can be known of an image without decoding its pixels. `width` and `height` are those of the first
 * frame.
 */
export interface ImageHeader extends Size {
  readonly format: ImageFormat;
  /** How the stored pixels must be turned to be seen upright; 1 = as they are. */
  readonly orientation: Orientation;
  /** At least 1; more for animations. */
  readonly frames: number;
  /** Pixels of all frames together. */
  readonly totalPixels: number;
  /** How often a JPEG's data goes over the image; 1 for other formats. */
  readonly scans: number;
  /** Whether the pixels are something else than sRGB: CMYK, or described by an ICC profile. */
  readonly colourManaged: boolean;
}

/**
 * The failure of bytes that are not the image they claim to be.
 * @param reason completes "The image cannot be decoded: …"
 */
export function undecodable(reason: string, cause?: unknown): PermanentFailure {
  return new PermanentFailure('undecodable_image', `The image cannot be decoded: ${reason}.`, { cause });
}
