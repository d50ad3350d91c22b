import { Jimp } from 'jimp';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { applyOrientation, orientedSize } from './apply-orientation.ts';
import { asSharp, cornersPicture, decodeElsewhere, largestDifference } from './testing/pixels.ts';

const stored = cornersPicture({ width: 7, height: 4 });

it.each([1, 2, 3, 4, 5, 6, 7, 8] as const)(
  'orientation %i is applied as another program does',
  async (orientation) => {
    const file = await asSharp(stored).withMetadata({ orientation }).png().toBuffer();
    const upright = await decodeElsewhere(await sharp(file).autoOrient().png().toBuffer());

    const image = new Jimp({ ...stored, data: Buffer.from(stored.data) });
    applyOrientation(image, orientation);
    expect(largestDifference(image.bitmap, upright)).toBe(0);
    expect(orientedSize(stored, orientation)).toEqual({ width: upright.width, height: upright.height });
  },
);
