import { planResize, type Size } from '@image-pipeline/shared/images/plan-steps.ts';
import { describe, expect, it } from 'vitest';
import { resizeSchema, type Resize } from '@image-pipeline/shared/contracts/operations.ts';
import type { Bitmap } from '../engine/bitmap.ts';
import { engines, type Operations } from '../engine/engine.ts';
import { cornersPicture, largestDifference, pixelAt, plainPicture } from '../engine/testing/pixels.ts';
import { reducedFor, resize } from './resize.ts';

function operation(differs: Partial<Resize>): Resize {
  return resizeSchema.parse({ type: 'resize', ...differs });
}

/** The picture made another size by arithmetic: its colours are linear in x and in y. */
function cornersResized(from: Size, to: Size): Bitmap {
  const at = (x: number, [a, b]: readonly [number, number]) =>
    Math.min(Math.max(((x + 0.5) * a) / b - 0.5, 0), a - 1) / (a - 1);
  const picture = plainPicture(to, [0, 0, 0, 255]);
  for (let y = 0; y < to.height; y++) {
    for (let x = 0; x < to.width; x++) {
      const right = at(x, [from.width, to.width]);
      const down = at(y, [from.height, to.height]);
      const red = 255 * (1 - right) * (1 - down) + 255 * right * down;
      picture.data.set([red, 255 * right, 255 * down].map(Math.round), (y * to.width + x) * 4);
    }
  }
  return picture;
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

describe('the size to which the decoder may reduce', () => {
  it.each([
    ['400x300', 'contain', '200x200', '200x150'],
    ['400x300', 'cover', '100x100', '133x100'],
    ['8000x2', 'cover', '100x100', '8000x2'],
    ['400x300', 'fill', '100x300', '100x300'],
    ['400x300', 'contain', '800x800', '400x300'],
    ['9999x3333', 'cover', '77x5', '77x26'],
  ] as const)('%s for %s %s is %s, from which the result is the target', async (from, fit, box, reduced) => {
    const [width = 0, height = 0] = from.split('x').map(Number);
    const [boxWidth = 0, boxHeight = 0] = box.split('x').map(Number);
    const plan = planResize({ width, height }, operation({ fit, width: boxWidth, height: boxHeight }));
    const size = reducedFor(plan, { width, height });
    expect(`${size.width}x${size.height}`).toBe(reduced);
    const unexpected = { resize: () => Promise.reject(new Error('nothing should be left to resize')) };
    const image = plainPicture(size, [1, 2, 3, 255]);
    await expect(resize(image, plan, { ...engines.jimp, ...unexpected })).resolves.toMatchObject(plan.target);
  });
});

describe.each(Object.entries(engines))('the pixels (%s)', (_, engine: Operations) => {
  function resized(bitmap: Bitmap, differs: Partial<Resize>): Promise<Bitmap> {
    const copy = { ...bitmap, data: Buffer.from(bitmap.data) };
    return resize(copy, planResize(bitmap, operation(differs)), engine);
  }

  it('of a plain picture keep their colour', async () => {
    const plain = plainPicture({ width: 301, height: 199 }, [12, 134, 211, 255]);
    for (const width of [1, 7, 150, 300, 301]) {
      const result = await resized(plain, { width });
      expect(largestDifference(result, plainPicture(result, [12, 134, 211, 255]))).toBe(0);
    }
    const larger = await resized(plain, { width: 700, enlarge: true });
    expect(largestDifference(larger, plainPicture(larger, [12, 134, 211, 255]))).toBe(0);
  });

  it.each([
    ['smaller', { width: 100, height: 70, fit: 'fill' }],
    ['larger', { width: 500, height: 333, fit: 'fill', enlarge: true }],
  ] as const)('are those that arithmetic gives, made %s', async (_, differs) => {
    const picture = cornersPicture({ width: 300, height: 200 });
    const result = await resized(picture, differs);
    expect(largestDifference(result, cornersResized(picture, differs))).toBeLessThanOrEqual(4);
  });

  it('are averaged, not picked, when the image is reduced', async () => {
    const chequered = plainPicture({ width: 64, height: 64 }, [0, 0, 0, 255]);
    for (let i = 0; i < 64 * 64; i++)
      if ((i + Math.floor(i / 64)) % 2) chequered.data.fill(255, i * 4, i * 4 + 3);
    const result = await resized(chequered, { width: 16 });
    expect(largestDifference(result, plainPicture(result, [128, 128, 128, 255]))).toBeLessThanOrEqual(1);
  });

  it('of the centre remain with cover', async () => {
    const picture = plainPicture({ width: 300, height: 100 }, [255, 0, 0, 255]);
    for (let y = 0; y < 100; y++)
      picture.data.fill(Buffer.from([0, 0, 255, 255]), (y * 300 + 100) * 4, (y * 300 + 200) * 4);
    const result = await resized(picture, { width: 50, height: 50, fit: 'cover' });
    expect(largestDifference(result, plainPicture({ width: 50, height: 50 }, [0, 0, 255, 255]))).toBe(0);
  });

  it.each([{ width: 13 }, { width: 90, enlarge: true }])(
    'under transparent ones do not show: %o',
    async (differs) => {
      const picture = plainPicture({ width: 40, height: 40 }, [200, 100, 50, 255]);
      picture.data.fill(Buffer.from([0, 255, 0, 0]), 0, 40 * 20 * 4); // green, but transparent
      const { data } = await resized(picture, differs);
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

  it('do not change if the size does not', async () => {
    const picture = cornersPicture({ width: 30, height: 20 });
    expect(largestDifference(await resized(picture, { width: 30 }), picture)).toBe(0);
    expect(pixelAt(await resized(picture, { width: 3000 }), 0, 0)).toEqual([255, 0, 0, 255]);
  });
});
