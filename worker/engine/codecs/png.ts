import decode, { init as initDecoder } from '@jsquash/png/decode.js';
import encode, { init as initEncoder } from '@jsquash/png/encode.js';
import { asBuffer, type Bitmap } from '../bitmap.ts';
import { compileWasm } from './wasm.ts';

/**
 * Rust's png crate as WebAssembly: all colour types, depths (16 bits become 8) and interlacing. It decodes
 * the default image of an animated PNG. A decoding that fails leaks its buffers: the pool replaces a process
 * that has grown too large.
 */
export async function createPngCodec() {
  const module = await compileWasm('@jsquash/png/codec/pkg/squoosh_png_bg.wasm');
  await Promise.all([initDecoder(module), initEncoder(module)]);

  return {
    async decode(bytes: Uint8Array): Promise<Bitmap> {
      const image = await decode(new Uint8Array(bytes).buffer);
      return { data: asBuffer(image.data), width: image.width, height: image.height };
    },

    async encode(bitmap: Bitmap): Promise<Uint8Array> {
      const data = new Uint8ClampedArray(bitmap.data);
      return new Uint8Array(await encode({ data, width: bitmap.width, height: bitmap.height }));
    },
  };
}
