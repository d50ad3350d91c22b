import sharp from 'sharp';
import { expect, it } from 'vitest';
import { makePhoto } from './photos.ts';

const SIZE = { width: 300, height: 200 };

it('makes the same photo for the same seed, and another one for another seed', async () => {
  const [first, same, other] = [await makePhoto(SIZE, 1), await makePhoto(SIZE, 1), await makePhoto(SIZE, 2)];
  expect(await sharp(first.bytes).metadata()).toMatchObject({ ...SIZE, format: 'jpeg' });
  expect(same.bytes.equals(first.bytes)).toBe(true);
  expect(other.bytes.equals(first.bytes)).toBe(false);
});

it('compresses like a photo, not like noise', async () => {
  const { bytes } = await makePhoto({ width: 900, height: 600 }, 1);
  const bitsPerPixel = (bytes.length * 8) / (900 * 600);
  expect(bitsPerPixel).toBeGreaterThan(0.8);
  expect(bitsPerPixel).toBeLessThan(2.5);
});
