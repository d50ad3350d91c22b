import createDecoder from '@jsquash/webp/codec/dec/webp_dec.js';
import createEncoder from '@jsquash/webp/codec/enc/webp_enc_simd.js';
import { defaultOptions } from '@jsquash/webp/meta.js';
import { asBuffer, type Bitmap } from '../bitmap.ts';
import { compileWasm, withCodec } from './wasm.ts';

/**
 * Speed against size, 0 (fast) to 6 (small): 2 is as small as the default 4 to a few percent, in 60 % of its
 * time.
 */
const METHOD = 2;

/** libwebp as WebAssembly. It decodes still images only, and leaves colour profiles alone. */
export async function createWebpCodec() {
  const [decoder, encoder] = await Promise.all([
    compileWasm('@jsquash/webp/codec/dec/webp_dec.wasm'),
    compileWasm('@jsquash/webp/codec/enc/webp_enc_simd.wasm'),
  ]);

  return {
    decode(bytes: Uint8Array): Promise<Bitmap> {
      return withCodec(createDecoder, decoder, (codec) => {
        const image = codec.decode(bytes);
        if (image === null) throw new Error('libwebp returned no image');
        return { data: asBuffer(image.data), width: image.width, height: image.height };
      });
    },

    /** @param quality 1–100 */
    encode({ data, width, height }: Bitmap, quality: number): Promise<Uint8Array> {
      const options = { ...defaultOptions, quality, method: METHOD };
      return withCodec(createEncoder, encoder, (codec) => {
        const bytes = codec.encode(data, width, height, options);
        if (bytes === null) throw new Error('libwebp could not encode the image');
        return bytes.slice();
      });
    },
  };
}
