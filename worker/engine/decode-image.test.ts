import type { InputType } from '@image-pipeline/shared/contracts/operations.ts';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { createCodecs, type Codecs } from './codecs.ts';
import { chooseDecoder, decodeImage } from './decode-image.ts';
import { inspectImage } from './inspect/inspect-image.ts';
import { gifFile } from './testing/gif-file.ts';
import {
  asSharp,
  cornersPicture,
  decodeElsewhere,
  largestDifference,
  pixelAt,
  plainPicture,
} from './testing/pixels.ts';
import { pngFile } from './testing/png-file.ts';

const picture = cornersPicture({ width: 67, height: 45 });
const undecodable = expect.objectContaining({ code: 'undecodable_image' }) as unknown;

let codecs: Codecs;
beforeAll(async () => {
  codecs = await createCodecs();
});

function decode(bytes: Uint8Array, type: InputType) {
  return decodeImage(bytes, inspectImage(bytes, type), codecs);
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
  it.each([
    ['JPEG', 'image/jpeg', asSharp(picture).jpeg()],
    ['progressive JPEG', 'image/jpeg', asSharp(picture).jpeg({ progressive: true })],
    ['grey JPEG', 'image/jpeg', asSharp(picture).greyscale().jpeg()],
    ['JPEG with full chroma', 'image/jpeg', asSharp(picture).jpeg({ chromaSubsampling: '4:4:4' })],
    ['WebP', 'image/webp', asSharp(picture).webp()],
  ] as const)('%s', async (_, type, encoded) => {
    const bytes = await encoded.toBuffer();
    expect(largestDifference(await decode(bytes, type), await decodeElsewhere(bytes))).toBeLessThanOrEqual(3);
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
    expect(inspectImage(bytes, type).frames).toBe(3);
    const first = await decode(bytes, type);
    expect(first).toMatchObject({ width: 16, height: 8 });
    expect(largestDifference(first, plainPicture(first, frames[0]))).toBeLessThanOrEqual(8);
  });

  it('GIF whose first frame is larger than its screen', async () => {
    const image = await decode(gifFile({ width: 1, height: 1 }, [{ width: 4, height: 3 }]), 'image/gif');
    expect(image).toMatchObject({ width: 4, height: 3 });
    expect(pixelAt(image, 0, 0)).toEqual([0, 0, 255, 255]);
  });
});

describe('damaged data is rejected', () => {
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

it('WebAssembly decodes where possible, libvips the rest', () => {
  const header = { frames: 1, colourManaged: false } as const;
  const choose = (differs: object) =>
    chooseDecoder({
      format: 'jpeg',
      width: 1,
      height: 1,
      orientation: 1,
      totalPixels: 1,
      scans: 1,
      ...header,
      ...differs,
    });
  expect(choose({})).toBe('jpeg');
  expect(choose({ format: 'png' })).toBe('png');
  expect(choose({ format: 'webp' })).toBe('webp');
  expect(choose({ format: 'webp', frames: 2 })).toBe('libvips');
  expect(choose({ format: 'gif' })).toBe('libvips');
  expect(choose({ colourManaged: true })).toBe('libvips');
});
