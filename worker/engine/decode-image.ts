import type { Bitmap } from './bitmap.ts';
import type { Codecs } from './codecs.ts';
import { undecodable, type ImageHeader } from './inspect/image-header.ts';

export type Decoder = 'jpeg' | 'png' | 'webp' | 'libvips';

/**
 * WebAssembly decoders where possible: a damaged file cannot make them access foreign memory. They support neither
 * CMYK nor colour profiles nor animations. libvips decodes GIF too, since jimp's decoder (omggif) can be made to loop
 * forever.
 */
export function chooseDecoder({ format, colourManaged, frames }: ImageHeader): Decoder {
  return format === 'gif' || colourManaged || frames > 1 ? 'libvips' : format;
}

/**
 * The pixels of the first frame, in sRGB, as they are stored (see `applyOrientation`).
 * @param image what `inspectImage` found in the same bytes
 * @throws PermanentFailure `undecodable_image`
 */
export async function decodeImage(bytes: Uint8Array, image: ImageHeader, codecs: Codecs): Promise<Bitmap> {
  let bitmap: Bitmap;
  try {
    bitmap = await codecs[chooseDecoder(image)].decode(bytes);
  } catch (error) {
    throw undecodable(`its ${image.format.toUpperCase()} data is damaged`, error);
  }
  if (bitmap.width !== image.width || bitmap.height !== image.height) {
    throw undecodable('its data does not match its header');
  }
  return bitmap;
}
