import sharp from 'sharp';
import { asBitmap, asBuffer, resizeIn, sameSize, type Bitmap, type Size } from './bitmap.ts';
import type { Orientation } from './inspect/exif-orientation.ts';
import { undecodable, type ImageHeader } from './inspect/image-header.ts';

/** How to make a stored image upright: flip it upside down, then rotate it clockwise by degrees. */
const STEPS: Readonly<Record<Orientation, { flip: boolean; turn: 0 | 90 | 180 | 270 }>> = {
  1: { flip: false, turn: 0 },
  2: { flip: true, turn: 180 },
  3: { flip: false, turn: 180 },
  4: { flip: true, turn: 0 },
  5: { flip: true, turn: 90 },
  6: { flip: false, turn: 90 },
  7: { flip: true, turn: 270 },
  8: { flip: false, turn: 270 },
};

/** The size that an image has once it is upright; its own inverse. */
export function orientedSize({ width, height }: Size, orientation: Orientation): Size {
  return STEPS[orientation].turn % 180 === 0 ? { width, height } : { width: height, height: width };
}

/**
 * The pixels of the first frame in sRGB, upright. CMYK and other colour profiles are converted; transparency is kept.
 *
 * With `reduceTo` no more is decoded than that takes: libjpeg leaves out what a reduced image does not show, libwebp
 * scales while it decodes, and libvips reduces what remains, a few rows at a time.
 * @param header what `inspectImage` found in the same bytes
 * @param reduceTo size of the upright image, in pixels; neither side larger than that of the original
 * @param alpha whether to add an alpha channel to an image without one
 * @throws PermanentFailure `undecodable_image`
 */
export async function decodeImage(
  bytes: Uint8Array,
  header: ImageHeader,
  reduceTo: Size = orientedSize(header, header.orientation),
  alpha = false,
): Promise<Bitmap> {
  const image = sharp(asBuffer(bytes), {
    failOn: 'error',
    // What libvips finds in the file may not be larger than what the limits were checked for.
    limitInputPixels: header.width * header.height,
    // Lifts the limit of libvips on the scans of a progressive JPEG: ours was checked. Other formats keep theirs.
    unlimited: header.format === 'jpeg',
  });
  try {
    const found = await image.metadata();
    if (sameSize(found, header)) {
      const stored = orientedSize(reduceTo, header.orientation);
      // libwebp weights colours by a hidden alpha channel when it scales, though not when it decodes.
      const mayScale = found.hasAlpha || header.mayHideAlpha !== true;
      if (!sameSize(stored, header)) resizeIn(image, stored, found.hasAlpha, mayScale);
      const { flip, turn } = STEPS[header.orientation];
      image.flip(flip).rotate(turn);
      return await asBitmap(alpha ? image.ensureAlpha() : image);
    }
  } catch (error) {
    throw undecodable(`its ${header.format.toUpperCase()} data is damaged`, error);
  }
  throw undecodable('its data does not match its header');
}
