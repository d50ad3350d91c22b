import type { Resize } from '@image-pipeline/shared/contracts/operations.ts';
import type { Image, Size } from '../engine/bitmap.ts';
import { withPremultipliedAlpha } from '../engine/premultiply.ts';

interface ResizePlan {
  /** The centred part of the image that is kept, in pixels. */
  readonly crop: Size;
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

  if (width === undefined || height === undefined || fit === 'contain') {
    return { crop: image, target: scaled(image, Math.min(scaleX, scaleY, largest)) };
  }
  if (fit === 'fill') {
    const target = enlarge ? { width, height } : smaller(image, { width, height });
    return { crop: image, target };
  }
  const scale = Math.max(scaleX, scaleY);
  return {
    crop: smaller(image, scaled({ width, height }, 1 / scale)),
    target: scaled({ width, height }, Math.min(1, largest / scale)),
  };
}

/**
 * Resizes in place. jimp's default method averages all pixels that become one, and interpolates linearly
 * where it enlarges; its other methods are either worse at reducing (bilinear, bicubic) or four times as
 * slow.
 */
export function resize(image: Image, operation: Resize): void {
  const { crop, target } = planResize(image, operation);
  if (crop.width !== image.width || crop.height !== image.height) {
    const x = Math.floor((image.width - crop.width) / 2);
    const y = Math.floor((image.height - crop.height) / 2);
    image.crop({ x, y, w: crop.width, h: crop.height });
  }
  if (target.width !== image.width || target.height !== image.height) {
    withPremultipliedAlpha(image, () => image.resize({ w: target.width, h: target.height }));
  }
}

function scaled({ width, height }: Size, scale: number): Size {
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

function smaller(a: Size, b: Size): Size {
  return { width: Math.min(a.width, b.width), height: Math.min(a.height, b.height) };
}
