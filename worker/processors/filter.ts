import type { Filter } from '@image-pipeline/shared/contracts/operations.ts';
import { blur } from '../engine/filters/blur.ts';
import { mapLevels, mixChannels } from '../engine/filters/point-filters.ts';
import { sharpen } from '../engine/filters/sharpen.ts';
import type { Image } from '../engine/image.ts';
import { withPremultipliedAlpha } from '../engine/premultiply.ts';

/** Rec. 709 luma. */
const LUMA = [0.2126, 0.7152, 0.0722] as const;

/**
 * `sepia(1)` of W3C Filter Effects Module Level 1, section 8.2; rows are red, green and blue of the result.
 */
const SEPIA = [
  [0.393, 0.769, 0.189],
  [0.349, 0.686, 0.168],
  [0.272, 0.534, 0.131],
] as const;

/**
 * Filters in place. jimp's own filters are not used: its greyscale makes 254 of white, its sepia computes
 * green from the new red, its contrast is another formula, and its blur and convolution take half a second a
 * megapixel and more.
 */
export function filter(image: Image, operation: Filter): void {
  switch (operation.name) {
    case 'grayscale':
      mixChannels(image.bitmap, [LUMA, LUMA, LUMA]);
      break;
    case 'sepia':
      mixChannels(image.bitmap, SEPIA);
      break;
    case 'invert':
      mapLevels(image.bitmap, (value) => 255 - value);
      break;
    case 'brightness':
      mapLevels(image.bitmap, (value) => value * operation.amount);
      break;
    case 'contrast':
      mapLevels(image.bitmap, (value) => (value - 127.5) * operation.amount + 127.5);
      break;
    case 'blur':
      withPremultipliedAlpha(image, () => blur(image.bitmap, operation.radius));
      break;
    case 'sharpen':
      withPremultipliedAlpha(image, () => sharpen(image.bitmap, operation.amount));
      break;
  }
}
