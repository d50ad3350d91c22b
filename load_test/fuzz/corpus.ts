import { readFile, stat } from 'node:fs/promises';
import { globSync } from 'node:fs';
import { basename, join } from 'node:path';
import { inputTypes, type InputType } from '@image-pipeline/shared/contracts/operations.ts';
import sharp from 'sharp';

/** A file that mutations start from. */
export interface SourceImage {
  readonly name: string;
  readonly type: InputType;
  readonly bytes: Buffer;
}

const IMAGES = join(import.meta.dirname, '../../test_images');
/** Larger files take long and do not contain other structures. */
const MAX_SOURCE_BYTES = 100_000;

const typesByExtension: Readonly<Record<string, InputType>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
};

/** The test images, and small images of kinds that are not among them. Always in the same order. */
export async function readCorpus(): Promise<SourceImage[]> {
  const paths = globSync('*.{png,jpg,gif,webp}', { cwd: IMAGES }).sort();
  const read = await Promise.all(paths.map((name) => readSource(join(IMAGES, name))));
  return [...read.filter((image) => image !== undefined), ...(await smallImages())];
}

async function readSource(path: string): Promise<SourceImage | undefined> {
  const { size } = await stat(path);
  if (size === 0 || size > MAX_SOURCE_BYTES) return undefined;
  const bytes = await readFile(path);
  const type = typeOf(bytes);
  return type && { name: basename(path), type, bytes };
}

/** By its first bytes, because some test images have another name. */
export function typeOf(bytes: Buffer): InputType | undefined {
  const start = bytes.toString('latin1', 0, 12);
  if (start.startsWith('\x89PNG')) return 'image/png';
  if (start.startsWith('\xff\xd8')) return 'image/jpeg';
  if (start.startsWith('GIF8')) return 'image/gif';
  return start.startsWith('RIFF') && start.endsWith('WEBP') ? 'image/webp' : undefined;
}

const [WIDTH, HEIGHT, FRAMES] = [40, 30, 3];

async function smallImages(): Promise<SourceImage[]> {
  const picture = (channels: 1 | 2 | 3 | 4) =>
    sharp(gradient(HEIGHT, channels), { raw: { width: WIDTH, height: HEIGHT, channels } });
  const animation = () =>
    sharp(gradient(HEIGHT * FRAMES, 4), {
      raw: { width: WIDTH, height: HEIGHT * FRAMES, channels: 4, pageHeight: HEIGHT },
    });
  const made = {
    'grey.png': picture(1).toColourspace('b-w').png(),
    'grey-alpha-interlaced.png': picture(2).png({ progressive: true }),
    'two-colours.png': picture(3).png({ palette: true, colours: 2 }),
    'sixteen-bit.png': picture(4).toColourspace('rgb16').png(),
    'adaptive.png': picture(3).png({ adaptiveFiltering: true }),
    'progressive-444.jpg': picture(3).jpeg({ progressive: true, chromaSubsampling: '4:4:4' }),
    'grey.jpg': picture(1).toColourspace('b-w').jpeg(),
    'lossless.webp': picture(4).webp({ lossless: true }),
    'alpha.webp': picture(4).webp(),
    'animation.webp': animation().webp({ loop: 0 }),
    'animation.gif': animation().gif(),
    'interlaced.gif': picture(3).gif({ progressive: true }),
  };
  return Promise.all(
    Object.entries(made).map(async ([name, image]) => {
      const type = typesByExtension[name.split('.').at(-1) ?? ''] ?? inputTypes[0];
      return { name: `made-${name}`, type, bytes: await image.toBuffer() };
    }),
  );
}

/** Every byte is different from its neighbours, so that data does not compress to nothing. */
function gradient(height: number, channels: number): Buffer {
  return Buffer.from(
    Array.from({ length: WIDTH * height * channels }, (_, index) => (index * 7 + (index >> 6) * 13) % 256),
  );
}
