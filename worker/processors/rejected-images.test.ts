import type { InputType } from '@image-pipeline/shared/contracts/operations.ts';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { asSharp } from '../engine/bitmap.ts';
import { createEngine, type Engine } from '../engine/engine.ts';
import { defaultImageLimits } from '../engine/image-limits.ts';
import { gifFile } from '../engine/testing/gif-file.ts';
import { withMoreScans } from '../engine/testing/jpeg-file.ts';
import { cornersPicture } from '../engine/testing/pixels.ts';
import { pngFile } from '../engine/testing/png-file.ts';
import { anmf, vp8lHead, vp8x, webpFile } from '../engine/testing/webp-file.ts';
import { process } from './testing/process.ts';

function withComments(file: Buffer, count: number): Buffer {
  const comments = Buffer.alloc(4 * count, Buffer.from([0xff, 0xfe, 0, 2]));
  return Buffer.concat([file.subarray(0, 2), comments, file.subarray(2)]);
}

const picture = cornersPicture({ width: 120, height: 80 });

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});

describe('is rejected before it is decoded', () => {
  const jpeg = () => asSharp(picture).jpeg({ progressive: true }).toBuffer();
  const side = 2 ** 31 - 1;
  const cases: [string, InputType, () => Buffer | Promise<Buffer>, string][] = [
    [
      'a PNG of 2³¹−1 px per side',
      'image/png',
      () => pngFile({ width: side, height: side, data: Buffer.alloc(9) }),
      'image_too_large',
    ],
    [
      'a PNG of zero width',
      'image/png',
      () => pngFile({ width: 0, height: 1, data: Buffer.alloc(9) }),
      'undecodable_image',
    ],
    [
      'a PNG of 26 megapixels',
      'image/png',
      () => pngFile({ width: 5200, height: 5000, data: Buffer.alloc(9) }),
      'image_too_large',
    ],
    [
      'a PNG of 10,001 px per side',
      'image/png',
      () => pngFile({ width: 10_001, height: 1, data: Buffer.alloc(9) }),
      'image_too_large',
    ],
    [
      'a PNG with too little data',
      'image/png',
      () => pngFile({ width: 50, height: 50, data: Buffer.alloc(9) }),
      'undecodable_image',
    ],
    [
      'a PNG with too much data',
      'image/png',
      () => pngFile({ width: 5, height: 5, data: Buffer.alloc(999) }),
      'undecodable_image',
    ],
    [
      'a GIF with a screen of 65,535 px',
      'image/gif',
      () => gifFile({ width: 65_535, height: 65_535 }, [{ width: 1, height: 1 }]),
      'image_too_large',
    ],
    [
      'a GIF whose first frame has 36 megapixels',
      'image/gif',
      () => gifFile({ width: 10, height: 10 }, [{ width: 6000, height: 6000 }]),
      'image_too_large',
    ],
    [
      'a WebP with a canvas of 2²⁴ px',
      'image/webp',
      () =>
        webpFile([
          ['VP8X', vp8x(2 ** 24, 2 ** 24, 2)],
          ['ANMF', anmf(1, 1, vp8lHead(1, 1))],
        ]),
      'image_too_large',
    ],
    [
      'a JPEG with hundreds of scans',
      'image/jpeg',
      async () => withMoreScans(await jpeg(), 300),
      'image_too_large',
    ],
    [
      'a JPEG of 25 megapixels with 100 scans',
      'image/jpeg',
      async () => {
        const large = sharp({ create: { width: 5000, height: 5000, channels: 3, background: 'red' } });
        return withMoreScans(await large.jpeg({ progressive: true }).toBuffer(), 90);
      },
      'image_too_large',
    ],
    [
      'a JPEG of 1,000,001 comments',
      'image/jpeg',
      async () => withComments(await jpeg(), 1_000_001),
      'image_too_large',
    ],
    [
      'a GIF with too little data',
      'image/gif',
      () => gifFile({ width: 50, height: 50 }, [{ width: 50, height: 50 }]),
      'undecodable_image',
    ],
    ['a JPEG without its end', 'image/jpeg', async () => (await jpeg()).subarray(0, -2), 'undecodable_image'],
    ['a JPEG that is a PNG', 'image/jpeg', () => asSharp(picture).png().toBuffer(), 'undecodable_image'],
    ['a text', 'image/jpeg', () => Buffer.from('not an image at all'), 'undecodable_image'],
    ['nothing', 'image/png', () => Buffer.alloc(0), 'undecodable_image'],
  ];
  it.each(cases)('%s', async (_, type, file, code) => {
    const bytes = await file();
    const began = performance.now();
    await expect(process(engine, bytes, type)).rejects.toThrow(
      expect.objectContaining({ name: 'PermanentFailure', code }) as unknown,
    );
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  it('an image that becomes too large by its operations', async () => {
    const bytes = await asSharp(picture).png().toBuffer();
    const enlarge = { type: 'resize', width: 8000, height: 8000, fit: 'fill', enlarge: true };
    const failure = {
      code: 'output_too_large',
      details: { limit: defaultImageLimits.maxOutputPixels, seen: 64_000_000 },
    };
    await expect(process(engine, bytes, 'image/png', { operations: [enlarge] })).rejects.toMatchObject(
      failure,
    );
  });

  it('an image that is too large for a result and is not reduced', async () => {
    const wide = await asSharp(cornersPicture({ width: 9000, height: 2 }))
      .png()
      .toBuffer();
    await expect(process(engine, wide, 'image/png')).rejects.toMatchObject({
      code: 'output_too_large',
      details: { limit: 8192, seen: 9000 },
    });
    const smaller = [{ type: 'resize', width: 4000 }];
    expect((await process(engine, wide, 'image/png', { operations: smaller })).result).toMatchObject({
      width: 4000,
      height: 1,
    });
  });
});
