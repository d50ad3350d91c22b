import { PermanentFailure } from '@image-pipeline/shared/errors.ts';
import type { Size } from '@image-pipeline/shared/images/plan-steps.ts';
import type { Orientation } from './exif-orientation.ts';

export type ImageFormat = 'png' | 'jpeg' | 'gif' | 'webp';

/**
 * The properties of an image that are known without decoding its pixels. `width` and `height` are those of the canvas
 * that its first frame is drawn on.
 */
export interface ImageHeader extends Size {
  readonly format: ImageFormat;
  /** The EXIF orientation of the stored pixels; 1 = upright. */
  readonly orientation: Orientation;
  /** The scans of a JPEG; 1 for other formats. */
  readonly scans: number;
  /** Chunks, segments or blocks that the file consists of. */
  readonly pieces: number;
}

/** Where a frame is on its canvas, in pixels. */
export interface Frame extends Size {
  readonly x: number;
  readonly y: number;
}

/**
 * The failure of a file that is not a valid image of its type.
 * @param reason completes "The image cannot be decoded: …"
 */
export function undecodable(reason: string, cause?: unknown): PermanentFailure {
  return new PermanentFailure('undecodable_image', `The image cannot be decoded: ${reason}.`, { cause });
}
