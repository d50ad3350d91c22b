import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { encodeImage } from './encode-image.ts';
import {
  cornersPicture,
  decodeElsewhere,
  largestDifference,
  pixelAt,
  plainPicture,
} from './testing/pixels.ts';

const picture = cornersPicture({ width: 67, height: 45 });

it('PNG keeps every pixel, transparent ones too', async () => {
  const translucent = plainPicture({ width: 5, height: 3 }, [10, 200, 30, 77]);
  for (const bitmap of [picture, translucent]) {
    const encoded = await encodeImage(bitmap, 'png', 85);
    expect(largestDifference(await decodeElsewhere(encoded.bytes), bitmap)).toBe(0);
  }
});

describe.each(['jpeg', 'webp'] as const)('%s', (format) => {
  it('is closer to the picture at higher quality', async () => {
    const encode = (quality: number) => encodeImage(picture, format, quality);
    const [low, high] = [await encode(20), await encode(95)];
    expect(low.bytes.length).toBeLessThan(high.bytes.length);
    expect(largestDifference(await decodeElsewhere(high.bytes), picture)).toBeLessThan(30);
  });

  it.each([
    [1, 1],
    [3000, 1],
    [1, 3000],
  ])('%i × %i px', async (width, height) => {
    const encoded = await encodeImage(plainPicture({ width, height }, [9, 99, 199, 255]), format, 85);
    expect(await decodeElsewhere(encoded.bytes)).toMatchObject({ width, height });
  });
});

it('transparency is flattened onto white in JPEG, and kept in WebP', async () => {
  const half = plainPicture({ width: 16, height: 16 }, [0, 0, 0, 128]);
  const jpeg = await decodeElsewhere((await encodeImage(half, 'jpeg', 95)).bytes);
  expect(pixelAt(jpeg, 8, 8)).toEqual([127, 127, 127, 255]);
  const webp = await decodeElsewhere((await encodeImage(half, 'webp', 95)).bytes);
  expect(pixelAt(webp, 8, 8)).toEqual([0, 0, 0, 128]);
  expect(pixelAt(half, 8, 8)).toEqual([0, 0, 0, 128]);
});

it('has the content type and size of its format', async () => {
  const types = {
    png: ['image/png', 'png'],
    jpeg: ['image/jpeg', 'jpg'],
    webp: ['image/webp', 'webp'],
  } as const;
  for (const format of ['png', 'jpeg', 'webp'] as const) {
    const { bytes, contentType, extension, width, height } = await encodeImage(picture, format, 85);
    expect([contentType, extension]).toEqual(types[format]);
    expect(await sharp(bytes).metadata()).toMatchObject({ format, width, height });
  }
});
