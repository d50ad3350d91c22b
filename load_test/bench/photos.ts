import sharp from 'sharp';
import { drawFrom, type Draw } from '../draw.ts';

/** The work that every engine and every system of the benchmark does per photo. */
export const FIT = { width: 800, height: 600 } as const;
export const WATERMARK = 'image pipeline';
export const QUALITY = 80;
/** As in `POST /upload`. */
export const UPLOAD_FIELDS = {
  operations: `resize:${FIT.width}x${FIT.height},watermark:${WATERMARK}`,
  quality: String(QUALITY),
} as const;

const SEED = 20_261_129;
/** 3:2, as cameras make them: 1.8, 4.1 and 8.3 megapixels. */
const SIZES = [
  { width: 1_644, height: 1_096 },
  { width: 2_481, height: 1_654 },
  { width: 3_528, height: 2_352 },
] as const;
const CAMERA_QUALITY = 88;

interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Photo {
  /** e.g. `4.1 MP` */
  readonly name: string;
  /** A JPEG. */
  readonly bytes: Buffer;
}

/** The same bytes in each run with the same version of sharp. */
export async function makePhotos(): Promise<Photo[]> {
  const photos: Photo[] = [];
  for (const [index, size] of SIZES.entries()) photos.push(await makePhoto(size, SEED + index));
  return photos;
}

/** Each level of detail has twice the resolution of the one before, and this share of its contrast. */
const FALL = 0.72;
const FIRST_CONTRAST = 70;
const FIRST_WIDTH = 6;
/** Colours change less than brightness, and finer than this width not at all. */
const COLOUR_SHARE = 0.4;
const FINEST_COLOURS = 400;

/**
 * A picture with the statistics of a photo: detail at every scale, the finer the weaker, down to the grain of a sensor, and
 * some hard edges. Plain noise would make a file three times as large, and decoding look more expensive than it is.
 * @param seed the same seed makes the same picture
 */
export async function makePhoto(full: Size, seed: number): Promise<Photo> {
  const draw = drawFrom(seed);
  const levels = Math.ceil(Math.log2(full.width / FIRST_WIDTH));
  let contrast = FIRST_CONTRAST;
  let pixels = sharp({ create: { width: 2, height: 2, channels: 3, background: '#787878' } });
  for (let level = levels; level >= 0; level--, contrast *= FALL) {
    const size = { width: Math.ceil(full.width / 2 ** level), height: Math.ceil(full.height / 2 ** level) };
    const data = await pixels
      .resize({ ...size, fit: 'fill', kernel: 'cubic' })
      .raw()
      .toBuffer();
    addDetail(data, contrast, size.width <= FINEST_COLOURS, draw);
    pixels = sharp(data, { raw: { ...size, channels: 3 } });
  }
  const bytes = await pixels
    .composite([{ input: Buffer.from(shapes(draw, full)) }])
    .jpeg({ quality: CAMERA_QUALITY })
    .toBuffer();
  return { name: `${((full.width * full.height) / 1e6).toFixed(1)} MP`, bytes };
}

/** Adds random brightness to each pixel, in place. @param coloured also adds random colours */
function addDetail(data: Buffer, contrast: number, coloured: boolean, draw: Draw): void {
  const spread = Math.max(1, Math.round(contrast));
  const colours = coloured ? Math.round(spread * COLOUR_SHARE) : 0;
  for (let pixel = 0; pixel < data.length; pixel += 3) {
    const brightness = draw(-spread, spread);
    for (let channel = pixel; channel < pixel + 3; channel++) {
      const value = (data[channel] ?? 0) + brightness + (colours === 0 ? 0 : draw(-colours, colours));
      data[channel] = Math.min(255, Math.max(0, value));
    }
  }
}

/** Hard edges: translucent triangles. */
function shapes(draw: Draw, { width, height }: Size): string {
  const triangles = Array.from({ length: 40 }, () => {
    const [x, y, reach] = [draw(0, width), draw(0, height), Math.round(width / draw(6, 40))];
    const corner = () => `${x + draw(-reach, reach)},${y + draw(-reach, reach)}`;
    const colour = `rgb(${draw(0, 255)},${draw(0, 255)},${draw(0, 255)})`;
    return `<polygon points="${corner()} ${corner()} ${corner()}" fill="${colour}" opacity="0.5"/>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${triangles.join('')}</svg>`;
}
