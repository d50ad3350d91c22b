import { expect, it } from 'vitest';
import { asSharp } from './bitmap.ts';
import { blendOver } from './blend.ts';
import {
  cornersPicture,
  decodeElsewhere,
  largestDifference,
  pixelAt,
  plainPicture,
} from './testing/pixels.ts';

it.each([
  ['opaque on opaque', [9, 8, 7, 255], [1, 2, 3, 255], 1, [9, 8, 7, 255]],
  ['nothing on opaque', [9, 8, 7, 0], [1, 2, 3, 255], 1, [1, 2, 3, 255]],
  ['half on opaque', [255, 0, 100, 255], [0, 255, 100, 255], 0.5, [128, 128, 100, 255]],
  ['opaque on nothing', [9, 8, 7, 255], [1, 2, 3, 0], 0.6, [9, 8, 7, 153]],
  ['nothing on nothing', [9, 8, 7, 0], [1, 2, 3, 0], 1, [1, 2, 3, 0]],
] as const)('%s', (_, upper, lower, opacity, expected) => {
  const bitmap = plainPicture({ width: 3, height: 3 }, lower);
  blendOver(bitmap, plainPicture({ width: 1, height: 1 }, upper), 1, 1, opacity);
  expect(pixelAt(bitmap, 1, 1)).toEqual(expected);
  expect(pixelAt(bitmap, 0, 0)).toEqual(lower);
  expect(pixelAt(bitmap, 2, 1)).toEqual(lower);
});

it('matches the result of another program', async () => {
  const lower = cornersPicture({ width: 40, height: 30 });
  const upper = cornersPicture({ width: 20, height: 10 });
  upper.data.forEach((_, i) => i % 4 === 3 && (upper.data[i] = (i * 7) % 256));
  const input = await asSharp(upper).png().toBuffer();
  const expected = await asSharp(lower)
    .composite([{ input, left: 5, top: 12 }])
    .png()
    .toBuffer();
  blendOver(lower, upper, 5, 12);
  expect(largestDifference(lower, await decodeElsewhere(expected))).toBeLessThanOrEqual(1);
});
