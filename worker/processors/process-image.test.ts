import { readFile } from 'node:fs/promises';
import type { InputType } from '@image-pipeline/shared/contracts/operations.ts';
import sharp, { type Sharp } from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { asSharp } from '../engine/bitmap.ts';
import { createEngine, engines, type Engine, type EngineName } from '../engine/engine.ts';
import { exifBlock, GPS_DIRECTORY, ORIENTATION } from '../engine/testing/exif-block.ts';
import { withSegment } from '../engine/testing/jpeg-file.ts';
import {
  cornersPicture,
  decodeElsewhere,
  largestDifference,
  pixelAt,
  similarity,
} from '../engine/testing/pixels.ts';
import { pngChunk } from '../engine/testing/png-file.ts';
import { vp8x, webpFile } from '../engine/testing/webp-file.ts';
import { process, type TaskChanges } from './testing/process.ts';

const picture = cornersPicture({ width: 120, height: 80 });
const INVERT = { type: 'filter', name: 'invert' };

describe.each(Object.keys(engines) as EngineName[])('by the %s engine', (name) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine(name);
  });
  const processed = (bytes: Buffer, contentType: InputType, changes?: TaskChanges) =>
    process(engine, bytes, contentType, changes);

  describe('the result', () => {
    it('has all operations applied in order', async () => {
      const png = await asSharp(picture).png().toBuffer();
      const resize = { type: 'resize', width: 60, height: 10, fit: 'fill' };
      const brighten = { type: 'filter', name: 'brightness', amount: 5 };
      const { result } = await processed(png, 'image/png', { operations: [resize, INVERT, brighten] });
      expect(result).toMatchObject({ width: 60, height: 10, contentType: 'image/png' });
      const [red = 0, ...others] = pixelAt(await decodeElsewhere(result.bytes), 0, 0);
      expect(Math.abs(red - 60)).toBeLessThanOrEqual(10); // two levels of the resize, which `brighten` multiplies by 5
      expect(others).toEqual([255, 255, 255]);
      const other = await processed(png, 'image/png', { operations: [resize, brighten, INVERT] });
      expect(pixelAt(await decodeElsewhere(other.result.bytes), 0, 5)).not.toEqual(
        pixelAt(await decodeElsewhere(result.bytes), 0, 5),
      );
    });

    it.each([
      ['image/png', null, 'image/png'],
      ['image/jpeg', null, 'image/jpeg'],
      ['image/webp', null, 'image/webp'],
      ['image/gif', null, 'image/png'],
      ['image/png', 'jpeg', 'image/jpeg'],
      ['image/gif', 'webp', 'image/webp'],
      ['image/webp', 'png', 'image/png'],
    ] as const)('of a %s with format %s is %s', async (input, format, expected) => {
      const bytes = await asSharp(picture)
        .toFormat(input.slice(6) as 'png')
        .toBuffer();
      const { result, source } = await processed(bytes, input, { output: { format } });
      expect(result.contentType).toBe(expected);
      expect(`image/${(await sharp(result.bytes).metadata()).format}`).toBe(expected);
      expect(source).toEqual({ width: 120, height: 80 });
      const inverted = await decodeElsewhere(
        await asSharp(picture).negate({ alpha: false }).png().toBuffer(),
      );
      const tolerance = input === 'image/png' && expected === 'image/png' ? 0 : 45;
      expect(largestDifference(await decodeElsewhere(result.bytes), inverted)).toBeLessThanOrEqual(tolerance);
    });

    it('reports the stage durations', async () => {
      const { timings } = await processed(await asSharp(picture).png().toBuffer(), 'image/png');
      expect(Object.keys(timings)).toEqual(['decode_ms', 'operations_ms', 'encode_ms', 'thumbnail_ms']);
      for (const time of Object.values(timings)) expect(time).toBeGreaterThanOrEqual(0);
    });
  });

  describe('the thumbnail is a JPEG that fits inside 256 × 256 px', () => {
    it.each([
      [1024, 512, 256, 128],
      [300, 900, 85, 256],
      [100, 50, 100, 50],
      [5000, 2, 256, 1],
      [1, 1, 1, 1],
    ])('%i × %i becomes %i × %i', async (width, height, toWidth, toHeight) => {
      const bytes = await asSharp(cornersPicture({ width, height })).png().toBuffer();
      const { thumbnail, result } = await processed(bytes, 'image/png');
      expect(thumbnail).toMatchObject({ width: toWidth, height: toHeight, contentType: 'image/jpeg' });
      expect(await decodeElsewhere(thumbnail.bytes)).toMatchObject({ width: toWidth, height: toHeight });
      expect(await decodeElsewhere(result.bytes)).toMatchObject({ width, height });
    });
  });

  describe('orientation is applied, and removed with all other metadata', () => {
    const exif = exifBlock([
      { tag: ORIENTATION, value: 6 },
      { tag: GPS_DIRECTORY, value: 8, type: 4 },
    ]);
    const withExif = {
      'image/jpeg': async () =>
        withSegment(
          await encoded((image) => image.jpeg()),
          0xe1,
          Buffer.concat([Buffer.from('Exif\0\0'), exif]),
        ),
      'image/png': async () => {
        const png = await encoded((image) => image.png());
        return Buffer.concat([
          png.subarray(0, 33),
          pngChunk('eXIf', exif),
          pngChunk('tEXt', Buffer.from('Comment\0secret')),
          png.subarray(33),
        ]);
      },
      'image/webp': async () => {
        const chunk = (await encoded((image) => image.webp({ lossless: true }))).subarray(20);
        return webpFile([
          ['VP8X', vp8x(120, 80, 8)],
          ['VP8L', chunk],
          ['EXIF', exif],
        ]);
      },
    };
    const encoded = (as: (image: Sharp) => Sharp) => as(asSharp(picture).removeAlpha()).toBuffer();

    it.each(['image/jpeg', 'image/png', 'image/webp'] as const)('%s', async (type) => {
      const bytes = await withExif[type]();
      const { result, thumbnail, source } = await processed(bytes, type, { output: { quality: 95 } });
      expect(source).toEqual({ width: 80, height: 120 });
      expect(result).toMatchObject({ width: 80, height: 120 });

      const rotated = asSharp(picture).negate({ alpha: false }).rotate(90);
      const expected = await decodeElsewhere(await rotated.png().toBuffer());
      expect(largestDifference(await decodeElsewhere(result.bytes), expected)).toBeLessThanOrEqual(40);

      for (const image of [result.bytes, thumbnail.bytes]) {
        const { exif: kept, icc, xmp, iptc, orientation, comments } = await sharp(image).metadata();
        expect({ kept, icc, xmp, iptc, orientation, comments }).toEqual({});
        expect(Buffer.from(image).includes('secret')).toBe(false);
      }
    });
  });

  it('transparency is flattened onto white in a JPEG', async () => {
    const bytes = await sharp({ create: { width: 20, height: 20, channels: 4, background: '#00000000' } })
      .png()
      .toBuffer();
    const { result, thumbnail } = await processed(bytes, 'image/png', { output: { format: 'jpeg' } });
    for (const image of [result, thumbnail]) {
      expect(pixelAt(await decodeElsewhere(image.bytes), 10, 10)).toEqual([255, 255, 255, 255]);
    }
  });

  describe('a polyglot file gives a plain image', () => {
    const payload = Buffer.from('PK\x03\x04 <script>alert(1)</script>');
    it.each(['jpeg', 'png', 'webp', 'gif'] as const)('%s', async (format) => {
      const bytes = Buffer.concat([await asSharp(picture).toFormat(format).toBuffer(), payload]);
      const { result } = await processed(bytes, `image/${format}`);
      expect(Buffer.from(result.bytes).includes('script')).toBe(false);
    });
  });
});

describe('both engines give nearly the same picture', () => {
  const photo = readFile(new URL('../../test_images/sample.jpg', import.meta.url));
  const resize = (changes: object) => ({ type: 'resize', ...changes });
  const watermark = { type: 'watermark', text: 'Sample' };
  it.each<[string, object[]]>([
    ['reduced', [resize({ width: 800, height: 600 }), watermark]],
    ['cropped', [resize({ width: 300, height: 300, fit: 'cover' })]],
    ['squeezed', [resize({ width: 300, height: 1000, fit: 'fill' })]],
    ['enlarged', [resize({ width: 200 }), resize({ width: 700, enlarge: true })]],
    ['marked, then reduced', [watermark, resize({ width: 640 })]],
    ['blurred', [resize({ width: 400 }), { type: 'filter', name: 'blur', radius: 3 }]],
    ['sharpened', [resize({ width: 400 }), { type: 'filter', name: 'sharpen' }]],
  ])('%s', async (_, operations) => {
    const [jimp, other] = await Promise.all([createEngine('jimp'), createEngine('sharp')]);
    const changes = { operations, output: { format: 'png' } };
    const [one, two] = [
      await process(jimp, await photo, 'image/jpeg', changes),
      await process(other, await photo, 'image/jpeg', changes),
    ];
    for (const kind of ['result', 'thumbnail'] as const) {
      expect(two[kind]).toMatchObject({ width: one[kind].width, height: one[kind].height });
      const pictures = [
        await decodeElsewhere(one[kind].bytes),
        await decodeElsewhere(two[kind].bytes),
      ] as const;
      expect(similarity(...pictures)).toBeGreaterThan(0.98);
    }
  });
});
