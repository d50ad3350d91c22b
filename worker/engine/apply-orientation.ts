import type { Image, Size } from './bitmap.ts';
import type { Orientation } from './inspect/exif-orientation.ts';

/** How to make the stored image upright: rotate counter-clockwise by degrees first, then mirror. */
const STEPS: Readonly<Record<Orientation, { turn: 0 | 90 | 180 | 270; mirror: boolean }>> = {
  1: { turn: 0, mirror: false },
  2: { turn: 0, mirror: true },
  3: { turn: 180, mirror: false },
  4: { turn: 180, mirror: true },
  5: { turn: 270, mirror: true },
  6: { turn: 270, mirror: false },
  7: { turn: 90, mirror: true },
  8: { turn: 90, mirror: false },
};

/** Rotates an image as its EXIF orientation says, in place. */
export function applyOrientation(image: Image, orientation: Orientation): void {
  const { turn, mirror } = STEPS[orientation];
  if (turn !== 0) image.rotate(turn);
  if (mirror) image.flip({ horizontal: true });
}

/** The size that an image has once it is upright. */
export function orientedSize({ width, height }: Size, orientation: Orientation): Size {
  return STEPS[orientation].turn % 180 === 0 ? { width, height } : { width: height, height: width };
}
