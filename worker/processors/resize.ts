import type { Resize } from '@image-pipeline/shared/contracts/operations.ts';
import { sameSize, type Bitmap, type Size } from '../engine/bitmap.ts';
import type { Operations } from '../engine/engine.ts';

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

/**
 * The size to which an image may be reduced before a resize: what is kept of it is then as large as the target,
 * or as it was, if the target is larger.
 */
export function reducedFor({ keep, target }: ResizePlan, image: Size): Size {
  return smaller(image, {
    width: Math.round(target.width / keep.x),
    height: Math.round(target.height / keep.y),
  });
}

/** May change the image in place. */
export async function resize(image: Bitmap, plan: ResizePlan, engine: Operations): Promise<Bitmap> {
  const kept = cropCentre(image, plan.keep);
  return sameSize(kept, plan.target) ? kept : engine.resize(kept, plan.target);
}

function cropCentre(image: Bitmap, { x, y }: ResizePlan['keep']): Bitmap {
  const width = Math.max(1, Math.round(image.width * x));
  const height = Math.max(1, Math.round(image.height * y));
  if (width === image.width && height === image.height) return image;
  const { channels } = image;
  const left = Math.floor((image.width - width) / 2);
  const top = Math.floor((image.height - height) / 2);
  const data = Buffer.alloc(width * height * channels);
  for (let row = 0; row < height; row++) {
    const from = ((top + row) * image.width + left) * channels;
    image.data.copy(data, row * width * channels, from, from + width * channels);
  }
  return { data, width, height, channels };
}

function scaled({ width, height }: Size, scale: number): Size {
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

function smaller(a: Size, b: Size): Size {
  return { width: Math.min(a.width, b.width), height: Math.min(a.height, b.height) };
}
