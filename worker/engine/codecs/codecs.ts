import { createJpegCodec } from './jpeg.ts';
import { createLibvipsCodec } from './libvips.ts';
import { createPngCodec } from './png.ts';
import { createWebpCodec } from './webp.ts';

export type Codecs = Awaited<ReturnType<typeof createCodecs>>;

/** Compiles what all images are decoded and encoded with. */
export async function createCodecs() {
  const [jpeg, png, webp] = await Promise.all([createJpegCodec(), createPngCodec(), createWebpCodec()]);
  return { jpeg, png, webp, libvips: createLibvipsCodec() };
}
