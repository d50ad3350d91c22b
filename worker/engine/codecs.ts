import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { messageOf } from '@image-pipeline/shared/errors.ts';
import jpegDecoder from '@jsquash/jpeg/codec/dec/mozjpeg_dec.js';
import jpegEncoder from '@jsquash/jpeg/codec/enc/mozjpeg_enc.js';
import { defaultOptions as jpegDefaults } from '@jsquash/jpeg/meta.js';
import { initEmscriptenModule } from '@jsquash/jpeg/utils.js';
import decodePng, { init as initPngDecoder } from '@jsquash/png/decode.js';
import encodePng, { init as initPngEncoder } from '@jsquash/png/encode.js';
import webpDecoder from '@jsquash/webp/codec/dec/webp_dec.js';
import webpEncoder from '@jsquash/webp/codec/enc/webp_enc_simd.js';
import { defaultOptions as webpDefaults } from '@jsquash/webp/meta.js';
import sharp from 'sharp';
import { asBuffer, type Bitmap } from './bitmap.ts';

export type Codecs = Awaited<ReturnType<typeof createCodecs>>;

/** Compiles the decoders and encoders of all formats. */
export async function createCodecs() {
  const [jpeg, png, webp] = await Promise.all([createJpegCodec(), createPngCodec(), createWebpCodec()]);
  return { jpeg, png, webp, libvips: createLibvipsCodec() };
}

/**
 * mozjpeg as WebAssembly. The decoder takes greyscale, YCbCr and RGB but not CMYK, and leaves EXIF
 * orientation and colour profiles alone.
 */
async function createJpegCodec() {
  const [decoder, encoder] = await Promise.all([
    compileWasm('@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm'),
    compileWasm('@jsquash/jpeg/codec/enc/mozjpeg_enc.wasm'),
  ]);

  return {
    decode(bytes: Uint8Array): Promise<Bitmap> {
      return withCodec(jpegDecoder, decoder, (codec) => {
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
      const options = { ...jpegDefaults, quality, progressive: false, baseline: true };
      return withCodec(jpegEncoder, encoder, (codec) => codec.encode(data, width, height, options).slice());
    },
  };
}

/**
 * Rust's png crate as WebAssembly: all colour types, depths (16 bits become 8) and interlacing. It decodes
 * the default image of an animated PNG. A failed decode leaks its buffers: the pool replaces processes that have
 * grown too large.
 */
async function createPngCodec() {
  const module = await compileWasm('@jsquash/png/codec/pkg/squoosh_png_bg.wasm');
  await Promise.all([initPngDecoder(module), initPngEncoder(module)]);

  return {
    async decode(bytes: Uint8Array): Promise<Bitmap> {
      const image = await decodePng(new Uint8Array(bytes).buffer);
      return { data: asBuffer(image.data), width: image.width, height: image.height };
    },

    async encode(bitmap: Bitmap): Promise<Uint8Array> {
      const data = new Uint8ClampedArray(bitmap.data);
      return new Uint8Array(await encodePng({ data, width: bitmap.width, height: bitmap.height }));
    },
  };
}

/**
 * libwebp's speed against size, 0 (fast) to 6 (small): 2 is as small as the default 4 to a few percent, in 60 % of its
 * time.
 */
const WEBP_METHOD = 2;

/** libwebp as WebAssembly. It decodes still images only, and leaves colour profiles alone. */
async function createWebpCodec() {
  const [decoder, encoder] = await Promise.all([
    compileWasm('@jsquash/webp/codec/dec/webp_dec.wasm'),
    compileWasm('@jsquash/webp/codec/enc/webp_enc_simd.wasm'),
  ]);

  return {
    decode(bytes: Uint8Array): Promise<Bitmap> {
      return withCodec(webpDecoder, decoder, (codec) => {
        const image = codec.decode(bytes);
        if (image === null) throw new Error('libwebp returned no image');
        return { data: asBuffer(image.data), width: image.width, height: image.height };
      });
    },

    /** @param quality 1–100 */
    encode({ data, width, height }: Bitmap, quality: number): Promise<Uint8Array> {
      const options = { ...webpDefaults, quality, method: WEBP_METHOD };
      return withCodec(webpEncoder, encoder, (codec) => {
        const bytes = codec.encode(data, width, height, options);
        if (bytes === null) throw new Error('libwebp could not encode the image');
        return bytes.slice();
      });
    },
  };
}

/**
 * libvips, for what the WebAssembly codecs cannot do: CMYK and ICC profiles, which it converts to sRGB; GIF;
 * and the first frame of an animation, on its canvas.
 */
function createLibvipsCodec() {
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

/** Compiles a `.wasm` file of an npm package, e.g. `@jsquash/webp/codec/dec/webp_dec.wasm`. */
async function compileWasm(specifier: string): Promise<WebAssembly.Module> {
  return WebAssembly.compile(await readFile(fileURLToPath(import.meta.resolve(specifier))));
}

/**
 * Uses a fresh instance of an Emscripten codec. Creating one takes 1 ms; its memory is freed with it, and no image can
 * affect the next.
 * @throws Error with what the codec would print
 */
async function withCodec<Codec extends EmscriptenWasm.Module, Result>(
  factory: EmscriptenWasm.ModuleFactory<Codec>,
  compiled: WebAssembly.Module,
  use: (codec: Codec) => Result,
): Promise<Result> {
  const printed: string[] = [];
  const print = (line: string) => printed.push(line);
  const options = { noInitialRun: true, print, printErr: print };
  const codec = await initEmscriptenModule(factory, compiled, options);
  try {
    return use(codec);
  } catch (error) {
    throw new Error(printed.join('; ') || messageOf(error), { cause: error });
  }
}
