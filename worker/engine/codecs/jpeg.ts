import createDecoder from '@jsquash/jpeg/codec/dec/mozjpeg_dec.js';
import createEncoder from '@jsquash/jpeg/codec/enc/mozjpeg_enc.js';
import { defaultOptions } from '@jsquash/jpeg/meta.js';
import { asBuffer, type Bitmap } from '../bitmap.ts';
import { compileWasm, withCodec } from './wasm.ts';

/**
 * mozjpeg as WebAssembly. The decoder takes greyscale, YCbCr and RGB but not CMYK, and leaves EXIF
 * orientation and colour profiles alone.
 */
export async function createJpegCodec() {
  const [decoder, encoder] = await Promise.all([
    compileWasm('@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm'),
    compileWasm('@jsquash/jpeg/codec/enc/mozjpeg_enc.wasm'),
  ]);

  return {
    decode(bytes: Uint8Array): Promise<Bitmap> {
      return withCodec(createDecoder, decoder, (codec) => {
        const image = codec.decode(bytes, false);
        if (image === null) throw new Error('mozjpeg returned no image');
        return { data: asBuffer(image.data), width: image.width, height: image.height };
      });
    },

    /**
     * Ignores alpha. Sequential, since mozjpeg takes twice as long for progressive.
     * @param quality 1–100
     */
    encode({ data, width, height }: Bitmap, quality: number): Promise<Uint8Array> {
      const options = { ...defaultOptions, quality, progressive: false, baseline: true };
      return withCodec(createEncoder, encoder, (codec) => codec.encode(data, width, height, options).slice());
    },
  };
}
