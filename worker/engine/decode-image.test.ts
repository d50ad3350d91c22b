import type { InputType } from '@image-pipeline/shared/contracts/operations.ts';
import type { Size } from '@image-pipeline/shared/images/plan-steps.ts';
import { Jimp } from 'jimp';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { asSharp, type Bitmap } from './bitmap.ts';
import { decodeImage, orientedSize } from './decode-image.ts';
import { inspectImage } from './inspect/inspect-image.ts';
import { gifFile, lzw } from './testing/gif-file.ts';
import {
  asRgba,
  cornersPicture,
  decodeElsewhere,
  largestDifference,
  pixelAt,
  plainPicture,
} from './testing/pixels.ts';
import { pngFile } from './testing/png-file.ts';

const picture = cornersPicture({ width: 67, height: 45 });
const undecodable = expect.objectContaining({ code: 'undecodable_image' }) as unknown;

async function decode(bytes: Uint8Array, type: InputType, reduceTo?: Size): Promise<Bitmap> {
  return asRgba(await decodeImage(inspectImage(bytes, type), reduceTo));
}

describe('lossless formats are decoded exactly', () => {
  const translucent = plainPicture({ width: 20, height: 10 }, [200, 100, 50, 128]);
  it.each([
    ['PNG', 'image/png', picture, asSharp(picture).png()],
    ['interlaced PNG', 'image/png', picture, asSharp(picture).png({ progressive: true })],
    ['16-bit PNG', 'image/png', picture, asSharp(picture).toColourspace('rgb16').png()],
    ['translucent PNG', 'image/png', translucent, asSharp(translucent).png()],
    ['WebP', 'image/webp', picture, asSharp(picture).webp({ lossless: true })],
    ['translucent WebP', 'image/webp', translucent, asSharp(translucent).webp({ lossless: true })],
    ['translucent palette PNG', 'image/png', translucent, asSharp(translucent).png({ palette: true })],
  ] as const)('%s', async (_, type, expected, encoded) => {
    expect(largestDifference(await decode(await encoded.toBuffer(), type), expected)).toBe(0);
  });
});

describe('lossy formats are decoded as by another decoder', () => {
  // The other decoder repeats chroma that is stored at half the size; libjpeg interpolates it.
  it.each([
    ['JPEG', 'image/jpeg', 8, asSharp(picture).jpeg()],
    ['progressive JPEG', 'image/jpeg', 8, asSharp(picture).jpeg({ progressive: true })],
    ['grey JPEG', 'image/jpeg', 3, asSharp(picture).greyscale().jpeg()],
    ['JPEG with full chroma', 'image/jpeg', 3, asSharp(picture).jpeg({ chromaSubsampling: '4:4:4' })],
    ['WebP', 'image/webp', 3, asSharp(picture).webp()],
  ] as const)('%s', async (_, type, tolerance, encoded) => {
    const bytes = await encoded.toBuffer();
    const expected = await decodeElsewhere(bytes);
    expect(largestDifference(await decode(bytes, type), expected)).toBeLessThanOrEqual(tolerance);
  });
});

// Compared with the averages of jimp, other kernels reach into the neighbouring pixels: at most 6 of the up to 64 levels
// between two pixels here. Translucent colours are rounded to 8 bits twice, to weight them by their alpha and back.
describe('an image decoded at a reduced size is the whole image reduced', () => {
  const large = cornersPicture({ width: 960, height: 600 });
  const translucent = plainPicture({ width: 300, height: 200 }, [200, 100, 50, 128]);
  const noisy = { ...large, data: Buffer.from(large.data) };
  for (let i = 0; i < noisy.data.length; i++) if (i % 4 < 3) noisy.data[i] = (i * 7919) % 256;
  const average = plainPicture({ width: 1, height: 1 }, [128, 128, 128, 255]);

  const sizes = [
    [959, 599],
    [480, 300],
    [321, 200],
    [120, 75],
    [96, 4],
    [1, 1],
  ] as const;
  it.each([
    ['JPEG', 'image/jpeg', 6, asSharp(large).jpeg({ quality: 95 })],
    ['progressive JPEG', 'image/jpeg', 6, asSharp(large).jpeg({ quality: 95, progressive: true })],
    ['grey JPEG', 'image/jpeg', 6, asSharp(large).greyscale().jpeg({ quality: 95 })],
    ['PNG', 'image/png', 6, asSharp(large).png()],
    ['interlaced PNG', 'image/png', 6, asSharp(large).png({ progressive: true })],
    ['16-bit PNG', 'image/png', 6, asSharp(large).toColourspace('rgb16').png()],
    ['WebP', 'image/webp', 6, asSharp(large).webp({ quality: 95 })],
    ['lossless WebP', 'image/webp', 6, asSharp(large).webp({ lossless: true })],
    ['translucent PNG', 'image/png', 3, asSharp(translucent).png()],
    ['translucent WebP', 'image/webp', 3, asSharp(translucent).webp({ lossless: true })],
  ] as const)('%s', async (_, type, tolerance, encoded) => {
    const bytes = await encoded.toBuffer();
    const whole = await decode(bytes, type);
    for (const [width, height] of sizes) {
      if (width > whole.width || height > whole.height) continue;
      const reduced = await decode(bytes, type, { width, height });
      const { bitmap } = new Jimp({ ...whole, data: Buffer.from(whole.data) }).resize({
        w: width,
        h: height,
      });
      const expected = { ...bitmap, channels: 4 } as const;
      expect(largestDifference(reduced, expected), `${width} × ${height}`).toBeLessThanOrEqual(tolerance);
    }
  });

  it('also where a WebP contains an alpha channel that it declares as unused', async () => {
    const file = await asSharp(plainPicture(large, [200, 50, 50, 0]))
      .webp()
      .toBuffer();
    file.writeUInt8(file.readUInt8(20) & ~0x10, 20); // VP8X: no alpha
    expect(file.includes('ALPH')).toBe(true);
    const reduced = await decode(file, 'image/webp', { width: 96, height: 60 });
    expect(largestDifference(reduced, plainPicture(reduced, [200, 50, 50, 255]))).toBeLessThanOrEqual(6);
  });

  it('averaged, not picked', async () => {
    const bytes = await asSharp(noisy).png().toBuffer();
    const reduced = await decode(bytes, 'image/png', average);
    expect(largestDifference(reduced, average)).toBeLessThanOrEqual(4);
  });
});

describe('orientation is applied', () => {
  const stored = cornersPicture({ width: 60, height: 40 });
  /** Where a pixel of the upright image is in the stored one: TIFF 6.0, "Orientation". */
  const origins = {
    1: (x: number, y: number) => [x, y],
    2: (x: number, y: number) => [59 - x, y],
    3: (x: number, y: number) => [59 - x, 39 - y],
    4: (x: number, y: number) => [x, 39 - y],
    5: (x: number, y: number) => [y, x],
    6: (x: number, y: number) => [y, 39 - x],
    7: (x: number, y: number) => [59 - y, 39 - x],
    8: (x: number, y: number) => [59 - y, x],
  } as const;

  it.each([1, 2, 3, 4, 5, 6, 7, 8] as const)('%i', async (orientation) => {
    const file = await asSharp(stored).withMetadata({ orientation }).png().toBuffer();
    const expected = plainPicture(orientedSize(stored, orientation), [0, 0, 0, 0]);
    for (let y = 0; y < expected.height; y++) {
      for (let x = 0; x < expected.width; x++) {
        const [fromX = 0, fromY = 0] = origins[orientation](x, y);
        expected.data.set(pixelAt(stored, fromX, fromY), (y * expected.width + x) * 4);
      }
    }
    expect(largestDifference(await decode(file, 'image/png'), expected)).toBe(0);

    const half = { width: expected.width / 2, height: expected.height / 2 };
    const { bitmap } = new Jimp(expected).resize({ w: half.width, h: half.height });
    const reduced = await decode(file, 'image/png', half);
    expect(largestDifference(reduced, { ...bitmap, channels: 4 })).toBeLessThanOrEqual(2);
  });
});

describe('other colour spaces are converted to sRGB', () => {
  const plain = plainPicture({ width: 16, height: 16 }, [180, 90, 70, 255]);
  const p3 = () => asSharp(plain).removeAlpha().withIccProfile('p3');
  it.each([
    ['Display P3 JPEG', 'image/jpeg', 5, p3().jpeg({ quality: 95 })],
    ['Display P3 PNG', 'image/png', 2, p3().png()],
    ['Display P3 WebP', 'image/webp', 2, p3().webp({ lossless: true })],
    ['CMYK JPEG', 'image/jpeg', 15, asSharp(plain).toColourspace('cmyk').jpeg({ quality: 95 })],
  ] as const)('%s', async (_, type, tolerance, encoded) => {
    const bytes = await encoded.toBuffer();
    expect(largestDifference(await decode(bytes, type), plain)).toBeLessThanOrEqual(tolerance);
  });

  it('with different values from those in the file', async () => {
    const stored = await sharp(await p3().png().toBuffer(), { ignoreIcc: true })
      .ensureAlpha()
      .raw()
      .toBuffer();
    expect(largestDifference({ ...plain, data: stored }, plain)).toBeGreaterThan(10);
  });
});

describe('the first frame of an animation is decoded', () => {
  const frames = [
    [250, 0, 0, 255],
    [0, 250, 0, 255],
    [0, 0, 250, 255],
  ] as const;
  const strip = Buffer.concat(frames.map((colour) => plainPicture({ width: 16, height: 8 }, colour).data));
  const animation = () => sharp(strip, { raw: { width: 16, height: 24, channels: 4, pageHeight: 8 } });

  it.each([
    ['GIF', 'image/gif', animation().gif({ delay: [50, 50, 50] })],
    ['WebP', 'image/webp', animation().webp({ delay: [50, 50, 50], lossless: true })],
  ] as const)('%s', async (_, type, encoded) => {
    const bytes = await encoded.toBuffer();
    const first = await decode(bytes, type);
    expect(first).toMatchObject({ width: 16, height: 8 });
    expect(largestDifference(first, plainPicture(first, frames[0]))).toBeLessThanOrEqual(8);
  });

  it('GIF whose first frame is larger than its screen', async () => {
    const frame = { width: 4, height: 3, data: lzw(Array<number>(12).fill(1)) };
    const image = await decode(gifFile({ width: 1, height: 1 }, [frame]), 'image/gif');
    expect(image).toMatchObject({ width: 4, height: 3 });
    expect(pixelAt(image, 0, 0)).toEqual([0, 0, 255, 255]);
  });
});

describe('damaged data is rejected', () => {
  it('an image of another size than its header was checked for', async () => {
    const bytes = await asSharp(picture).jpeg().toBuffer();
    const header = inspectImage(bytes, 'image/jpeg');
    for (const wrong of [{ width: 66 }, { width: 68 }, { height: 3 }, { height: 9999 }]) {
      await expect(decodeImage({ ...header, ...wrong })).rejects.toThrow(undecodable);
    }
  });

  const halves = (bytes: Buffer) =>
    Buffer.concat([bytes.subarray(0, bytes.length / 2), Buffer.alloc(bytes.length / 2)]);

  it('a GIF whose codes refer to themselves, which loops forever in omggif', async () => {
    const data = [2, 8, 0x9c, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0];
    const file = gifFile({ width: 4, height: 4 }, [{ width: 4, height: 4, data }]);
    await expect(decode(file, 'image/gif')).rejects.toThrow(undecodable);
  });

  it('a PNG with a wrong checksum', async () => {
    const file = pngFile({ width: 4, height: 4, data: Buffer.alloc(4 * 13) });
    const at = file.indexOf('IDAT') + 6;
    file.writeUInt8(file.readUInt8(at) ^ 1, at);
    await expect(decode(file, 'image/png')).rejects.toThrow(undecodable);
  });

  it('a WebP with half of its data', async () => {
    const file = await asSharp(picture).webp({ lossless: true }).toBuffer();
    await expect(decode(halves(file), 'image/webp')).rejects.toThrow(undecodable);
  });

  it('a JPEG without tables', async () => {
    const frame = [0xff, 0xc0, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0];
    const scan = [0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0, 0x12, 0x34];
    const file = Buffer.from([0xff, 0xd8, ...frame, ...scan, 0xff, 0xd9]);
    const decoding = decode(file, 'image/jpeg');
    await expect(decoding).rejects.toThrow(undecodable);
    await expect(decoding).rejects.toHaveProperty(
      'cause.message',
      expect.stringContaining('Quantization table'),
    );
  });

  it('and the next image is not affected', async () => {
    const good = await asSharp(picture).png().toBuffer();
    expect(largestDifference(await decode(good, 'image/png'), picture)).toBe(0);
  });
});
