import { Jimp } from 'jimp';
import { describe, expect, it } from 'vitest';
import { resizeSchema, type Resize } from '@image-pipeline/shared/contracts/operations.ts';
import type { Bitmap } from '../engine/bitmap.ts';
import {
  asSharp,
  cornersPicture,
  largestDifference,
  pixelAt,
  plainPicture,
} from '../engine/testing/pixels.ts';
import { planResize, resize } from './resize.ts';

function operation(differs: Partial<Resize>): Resize {
  return resizeSchema.parse({ type: 'resize', ...differs });
}

function resized(bitmap: Bitmap, differs: Partial<Resize>): Bitmap {
  const image = new Jimp({ ...bitmap, data: Buffer.from(bitmap.data) });
  resize(image, operation(differs));
  return image.bitmap;
}

describe('the size of the result', () => {
  it.each([
    ['400x300', 'contain', '200x200', false, '200x150'],
    ['300x400', 'contain', '200x200', false, '150x200'],
    ['400x300', 'contain', '800x800', false, '400x300'],
    ['400x300', 'contain', '800x800', true, '800x600'],
    ['400x300', 'contain', '200x', false, '200x150'],
    ['400x300', 'contain', 'x200', false, '267x200'],
    ['400x300', 'cover', '200x', false, '200x150'],
    ['400x300', 'fill', '800x', false, '400x300'],
    ['8000x2', 'contain', '100x100', false, '100x1'],
    ['400x300', 'cover', '100x100', false, '100x100'],
    ['400x300', 'cover', '300x100', false, '300x100'],
    ['300x300', 'cover', '400x200', false, '300x150'],
    ['300x300', 'cover', '400x200', true, '400x200'],
    ['300x300', 'cover', '200x400', false, '150x300'],
    ['400x300', 'fill', '100x300', false, '100x300'],
    ['400x300', 'fill', '800x100', false, '400x100'],
    ['400x300', 'fill', '800x100', true, '800x100'],
    ['1x1', 'contain', '50x60', true, '50x50'],
  ] as const)('%s %s %s (enlarge: %s) = %s', (from, fit, box, enlarge, to) => {
    const [width, height] = box.split('x').map((side) => (side === '' ? undefined : Number(side)));
    const [fromWidth = 0, fromHeight = 0] = from.split('x').map(Number);
    const planned = planResize(
      { width: fromWidth, height: fromHeight },
      operation({ fit, enlarge, ...(width && { width }), ...(height && { height }) }),
    );
    expect(`${planned.target.width}x${planned.target.height}`).toBe(to);
  });
});

describe('the pixels', () => {
  it('of a plain picture keep their colour', () => {
    const plain = plainPicture({ width: 301, height: 199 }, [12, 134, 211, 255]);
    for (const width of [1, 7, 150, 300, 301]) {
      const result = resized(plain, { width });
      expect(largestDifference(result, plainPicture(result, [12, 134, 211, 255]))).toBe(0);
    }
    const larger = resized(plain, { width: 700, enlarge: true });
    expect(largestDifference(larger, plainPicture(larger, [12, 134, 211, 255]))).toBe(0);
  });

  it.each([
    ['smaller', { width: 100, height: 70, fit: 'fill' }],
    ['larger', { width: 500, height: 333, fit: 'fill', enlarge: true }],
  ] as const)('are those of another program, made %s', async (_, differs) => {
    const picture = cornersPicture({ width: 300, height: 200 });
    const result = resized(picture, differs);
    const { width, height } = differs;
    const expected = await asSharp(picture)
      .resize(width, height, { fit: 'fill', kernel: 'linear' })
      .raw()
      .toBuffer();
    expect(largestDifference(result, { data: expected, width, height })).toBeLessThanOrEqual(4);
  });

  it('are averaged, not picked, when the image is reduced', () => {
    const chequered = plainPicture({ width: 64, height: 64 }, [0, 0, 0, 255]);
    for (let i = 0; i < 64 * 64; i++)
      if ((i + Math.floor(i / 64)) % 2) chequered.data.fill(255, i * 4, i * 4 + 3);
    const result = resized(chequered, { width: 16 });
    expect(largestDifference(result, plainPicture(result, [128, 128, 128, 255]))).toBeLessThanOrEqual(1);
  });

  it('of the centre remain with cover', () => {
    const picture = plainPicture({ width: 300, height: 100 }, [255, 0, 0, 255]);
    for (let y = 0; y < 100; y++)
      picture.data.fill(Buffer.from([0, 0, 255, 255]), (y * 300 + 100) * 4, (y * 300 + 200) * 4);
    const result = resized(picture, { width: 50, height: 50, fit: 'cover' });
    expect(largestDifference(result, plainPicture({ width: 50, height: 50 }, [0, 0, 255, 255]))).toBe(0);
  });

  it.each([{ width: 13 }, { width: 90, enlarge: true }])(
    'under transparent ones do not show: %o',
    (differs) => {
      const picture = plainPicture({ width: 40, height: 40 }, [200, 100, 50, 255]);
      picture.data.fill(Buffer.from([0, 255, 0, 0]), 0, 40 * 20 * 4); // green, but transparent
      const { data } = resized(picture, differs);
      const alphas = new Set<number | undefined>();
      for (let i = 0; i < data.length; i += 4) {
        const [red = 0, green = 0, blue = 0, alpha = 0] = data.subarray(i, i + 4);
        alphas.add(alpha);
        if (alpha < 40) continue;
        const error = Math.max(Math.abs(red - 200), Math.abs(green - 100), Math.abs(blue - 50));
        expect(error).toBeLessThanOrEqual(alpha === 255 ? 0 : 3);
      }
      expect(alphas.has(0) && alphas.has(255)).toBe(true);
      expect(alphas.size).toBeGreaterThan(2);
    },
  );

  it('do not change if the size does not', () => {
    const picture = cornersPicture({ width: 30, height: 20 });
    expect(largestDifference(resized(picture, { width: 30 }), picture)).toBe(0);
    expect(pixelAt(resized(picture, { width: 3000 }), 0, 0)).toEqual([255, 0, 0, 255]);
  });
});
