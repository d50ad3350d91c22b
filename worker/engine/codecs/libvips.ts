import sharp from 'sharp';
import type { Bitmap } from '../bitmap.ts';

/**
 * libvips, for what the WebAssembly codecs cannot do: CMYK and ICC profiles, which it converts to sRGB; GIF;
 * and the first frame of an animation, on its canvas.
 */
export function createLibvipsCodec() {
  return {
    async decode(bytes: Uint8Array): Promise<Bitmap> {
      const { data, info } = await sharp(bytes, { failOn: 'error', limitInputPixels: false })
        .toColourspace('srgb')
        .ensureAlpha()
        .raw({ depth: 'uchar' })
        .toBuffer({ resolveWithObject: true });
      return { data, width: info.width, height: info.height };
    },
  };
}
