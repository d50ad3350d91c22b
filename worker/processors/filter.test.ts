import { filterSchema } from '@image-pipeline/shared/contracts/operations.ts';
import { Jimp } from 'jimp';
import { describe, expect, it } from 'vitest';
import type { Bitmap } from '../engine/bitmap.ts';
import {
  asSharp,
  cornersPicture,
  largestDifference,
  pixelAt,
  plainPicture,
  type Rgba,
} from '../engine/testing/pixels.ts';
import { filter } from './filter.ts';

function filtered(bitmap: Bitmap, name: string, parameters: object = {}): Bitmap {
  const image = new Jimp({ ...bitmap, data: Buffer.from(bitmap.data) });
  filter(image, filterSchema.parse({ type: 'filter', name, ...parameters }));
  return image.bitmap;
}

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
  it(`of ${from.join()} is ${to.join()}`, () => {
    const result = filtered(plainPicture({ width: 3, height: 2 }, from), name, parameters);
    expect(pixelAt(result, 0, 0)).toEqual(to);
    expect(pixelAt(result, 2, 1)).toEqual(to);
  });
});

describe('blur', () => {
  const picture = cornersPicture({ width: 120, height: 80 });

  it.each([1, 2, 3, 5, 10])('with radius %i looks like a Gaussian of that deviation', async (radius) => {
    const dots = plainPicture({ width: 100, height: 100 }, [40, 40, 40, 255]);
    for (let y = 30; y < 70; y++) dots.data.fill(220, (y * 100 + 30) * 4, (y * 100 + 70) * 4);
    const expected = await asSharp(dots)
      .blur({ sigma: radius, precision: 'float', minAmplitude: 0.001 })
      .raw()
      .toBuffer();
    const difference = largestDifference(filtered(dots, 'blur', { radius }), { ...dots, data: expected });
    expect(difference).toBeLessThanOrEqual(0.05 * (220 - 40));
  });

  it('does not change a plain picture, not even at its edges', () => {
    const plain = plainPicture({ width: 31, height: 17 }, [7, 130, 255, 255]);
    for (const radius of [1, 2, 7, 100])
      expect(largestDifference(filtered(plain, 'blur', { radius }), plain)).toBe(0);
  });

  it.each([
    [1, 1],
    [1, 50],
    [50, 1],
    [2, 2],
  ])('works on %i × %i px', (width, height) => {
    const plain = plainPicture({ width, height }, [7, 130, 255, 255]);
    expect(largestDifference(filtered(plain, 'blur', { radius: 100 }), plain)).toBe(0);
  });

  it('does not show the colour of transparent pixels', () => {
    const picture = plainPicture({ width: 40, height: 40 }, [200, 100, 50, 255]);
    picture.data.fill(Buffer.from([0, 255, 0, 0]), 0, 40 * 20 * 4);
    const [red, green, blue, alpha] = pixelAt(filtered(picture, 'blur', { radius: 4 }), 20, 20);
    expect(alpha).toBeGreaterThan(100);
    expect(alpha).toBeLessThan(200);
    expect([red, green, blue].map((value) => Math.round((value ?? 0) / 10))).toEqual([20, 10, 5]);
  });

  it('does not shift the picture', () => {
    for (const radius of [2, 3, 4, 5]) {
      const mirrored = (bitmap: Bitmap) =>
        new Jimp({ ...bitmap, data: Buffer.from(bitmap.data) }).flip({ horizontal: true, vertical: true })
          .bitmap;
      const blurred = filtered(picture, 'blur', { radius });
      const other = mirrored(filtered(mirrored(picture), 'blur', { radius }));
      expect(largestDifference(blurred, other)).toBeLessThanOrEqual(4);
    }
  });
});

describe('sharpen', () => {
  it('adds the difference between a pixel and its four neighbours', () => {
    const picture = plainPicture({ width: 5, height: 5 }, [100, 100, 100, 255]);
    picture.data.fill(120, (2 * 5 + 2) * 4, (2 * 5 + 2) * 4 + 3);
    const result = filtered(picture, 'sharpen', { amount: 0.5 });
    expect(pixelAt(result, 2, 2)).toEqual([160, 160, 160, 255]);
    expect(pixelAt(result, 1, 2)).toEqual([90, 90, 90, 255]);
    expect(pixelAt(result, 1, 1)).toEqual([100, 100, 100, 255]);
  });

  it('does not change a plain picture, not even at its edges', () => {
    const plain = plainPicture({ width: 31, height: 17 }, [7, 130, 255, 255]);
    expect(largestDifference(filtered(plain, 'sharpen', { amount: 5 }), plain)).toBe(0);
  });

  it('with amount 0 changes nothing', () => {
    const picture = cornersPicture({ width: 20, height: 10 });
    expect(largestDifference(filtered(picture, 'sharpen', { amount: 0 }), picture)).toBe(0);
  });
});
