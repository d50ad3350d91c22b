import { filterSchema } from '@image-pipeline/shared/contracts/operations.ts';
import { Jimp } from 'jimp';
import { describe, expect, it } from 'vitest';
import { asBitmap, asSharp, type Bitmap } from '../engine/bitmap.ts';
import { engines, type Operations } from '../engine/engine.ts';
import {
  asRgba,
  cornersPicture,
  largestDifference,
  pixelAt,
  plainPicture,
  type Rgba,
} from '../engine/testing/pixels.ts';
import { filter } from './filter.ts';

function filteredBy(engine: Operations, bitmap: Bitmap, name: string, parameters: object): Promise<Bitmap> {
  const image = { ...bitmap, data: Buffer.from(bitmap.data) };
  return filter(image, filterSchema.parse({ type: 'filter', name, ...parameters }), engine);
}
const filtered = (bitmap: Bitmap, name: string, parameters: object = {}) =>
  filteredBy(engines.jimp, bitmap, name, parameters);

describe.each<[string, object, Rgba, Rgba]>([
  ['grayscale', {}, [255, 255, 255, 255], [255, 255, 255, 255]],
  ['grayscale', {}, [255, 0, 0, 255], [54, 54, 54, 255]],
  ['grayscale', {}, [0, 255, 0, 255], [182, 182, 182, 255]],
  ['grayscale', {}, [0, 0, 255, 99], [18, 18, 18, 99]],
  ['sepia', {}, [100, 100, 100, 255], [135, 120, 94, 255]],
  ['sepia', {}, [0, 200, 0, 255], [154, 137, 107, 255]],
  ['sepia', {}, [255, 255, 255, 0], [255, 255, 239, 0]],
  ['invert', {}, [0, 100, 255, 12], [255, 155, 0, 12]],
  ['brightness', {}, [100, 0, 250, 255], [120, 0, 255, 255]],
  ['brightness', { amount: 0.5 }, [102, 0, 250, 7], [51, 0, 125, 7]],
  ['brightness', { amount: 0 }, [101, 9, 250, 255], [0, 0, 0, 255]],
  ['contrast', {}, [128, 27, 250, 255], [128, 7, 255, 255]],
  ['contrast', { amount: 0 }, [1, 2, 250, 255], [128, 128, 128, 255]],
  ['contrast', { amount: 1 }, [1, 2, 250, 3], [1, 2, 250, 3]],
])('%s %o', (name, parameters, from, to) => {
  it(`of ${from.join()} is ${to.join()}`, async () => {
    const result = await filtered(plainPicture({ width: 3, height: 2 }, from), name, parameters);
    expect(pixelAt(result, 0, 0)).toEqual(to);
    expect(pixelAt(result, 2, 1)).toEqual(to);
  });
});

// libvips convolves with weights in fixed point, whose sum is not always 1.
describe.each([
  ['jimp', 0],
  ['sharp', 4],
] as const)('blur (%s)', (name, rounding) => {
  const engine = engines[name];
  const blurred = (bitmap: Bitmap, radius: number) => filteredBy(engine, bitmap, 'blur', { radius });
  const picture = cornersPicture({ width: 120, height: 80 });

  it.each([1, 2, 3, 5, 10])('with radius %i looks like a Gaussian of that deviation', async (radius) => {
    const dots = plainPicture({ width: 100, height: 100 }, [40, 40, 40, 255]);
    for (let y = 30; y < 70; y++) dots.data.fill(220, (y * 100 + 30) * 4, (y * 100 + 70) * 4);
    const expected = await asSharp(dots)
      .blur({ sigma: radius, precision: 'float', minAmplitude: 0.001 })
      .raw()
      .toBuffer();
    const difference = largestDifference(await blurred(dots, radius), { ...dots, data: expected });
    expect(difference).toBeLessThanOrEqual(0.05 * (220 - 40));
  });

  it('does not change a plain picture, not even at its edges', async () => {
    const plain = plainPicture({ width: 31, height: 17 }, [7, 130, 255, 255]);
    for (const radius of [1, 2, 7, 100])
      expect(largestDifference(await blurred(plain, radius), plain)).toBeLessThanOrEqual(rounding);
  });

  it.each([
    [1, 1],
    [1, 50],
    [50, 1],
    [2, 2],
  ])('works on %i × %i px', async (width, height) => {
    const plain = plainPicture({ width, height }, [7, 130, 255, 255]);
    expect(largestDifference(await blurred(plain, 100), plain)).toBeLessThanOrEqual(rounding);
  });

  it('does not show the colour of transparent pixels', async () => {
    const picture = plainPicture({ width: 40, height: 40 }, [200, 100, 50, 255]);
    picture.data.fill(Buffer.from([0, 255, 0, 0]), 0, 40 * 20 * 4);
    const [red, green, blue, alpha] = pixelAt(await blurred(picture, 4), 20, 20);
    expect(alpha).toBeGreaterThan(100);
    expect(alpha).toBeLessThan(200);
    expect([red, green, blue].map((value) => Math.round((value ?? 0) / 10))).toEqual([20, 10, 5]);
  });

  it('does not shift the picture', async () => {
    for (const radius of [2, 3, 4, 5]) {
      const mirrored = (bitmap: Bitmap) => ({
        ...bitmap,
        data: new Jimp({ ...bitmap, data: Buffer.from(bitmap.data) }).flip({
          horizontal: true,
          vertical: true,
        }).bitmap.data,
      });
      const other = mirrored(await blurred(mirrored(picture), radius));
      expect(largestDifference(await blurred(picture, radius), other)).toBeLessThanOrEqual(4);
    }
  });
});

describe('sharpen', () => {
  it('adds the difference between a pixel and its four neighbours', async () => {
    const picture = plainPicture({ width: 5, height: 5 }, [100, 100, 100, 255]);
    picture.data.fill(120, (2 * 5 + 2) * 4, (2 * 5 + 2) * 4 + 3);
    const result = await filtered(picture, 'sharpen', { amount: 0.5 });
    expect(pixelAt(result, 2, 2)).toEqual([160, 160, 160, 255]);
    expect(pixelAt(result, 1, 2)).toEqual([90, 90, 90, 255]);
    expect(pixelAt(result, 1, 1)).toEqual([100, 100, 100, 255]);
  });

  it('does not change a plain picture, not even at its edges', async () => {
    const plain = plainPicture({ width: 31, height: 17 }, [7, 130, 255, 255]);
    expect(largestDifference(await filtered(plain, 'sharpen', { amount: 5 }), plain)).toBe(0);
  });

  it('with amount 0 changes nothing', async () => {
    const picture = cornersPicture({ width: 20, height: 10 });
    expect(largestDifference(await filtered(picture, 'sharpen', { amount: 0 }), picture)).toBe(0);
  });
});

describe('an image without an alpha channel', () => {
  it.each(['grayscale', 'sepia', 'invert', 'brightness', 'contrast', 'blur', 'sharpen'])(
    'is filtered like an opaque one: %s',
    async (name) => {
      const picture = cornersPicture({ width: 50, height: 30 });
      const rgb = await asBitmap(asSharp(picture).removeAlpha());
      expect(rgb.channels).toBe(3);
      for (const engine of Object.values(engines)) {
        const expected = await filteredBy(engine, picture, name, {});
        expect(largestDifference(await asRgba(await filteredBy(engine, rgb, name, {})), expected)).toBe(0);
      }
    },
  );
});
