import { smaller, type ResizePlan, type Size } from '@image-pipeline/shared/images/plan-steps.ts';
import { sameSize, type Bitmap } from '../engine/bitmap.ts';
import type { Operations } from '../engine/engine.ts';

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
