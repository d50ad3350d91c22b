import { describe, expect, it } from 'vitest';
import { checkInput, checkOutput, checkOutputBytes, defaultImageLimits } from './image-limits.ts';
import type { ImageHeader } from './inspect/image-header.ts';

const limits = {
  ...defaultImageLimits,
  maxPixels: 1000,
  maxSide: 100,
  maxScans: 4,
  maxScannedPixels: 2000,
  maxPieces: 50,
};
const outputLimits = { ...defaultImageLimits, maxOutputSide: 100, maxOutputPixels: 1000 };

function header(differs: Partial<ImageHeader>): ImageHeader {
  const { width = 10, height = 10 } = differs;
  return {
    format: 'jpeg',
    width,
    height,
    orientation: 1,
    scans: 1,
    pieces: 1,
    ...differs,
  };
}

describe('an image', () => {
  it.each([
    [{ width: 40, height: 25 }],
    [{ width: 100, height: 1 }],
    [{ scans: 4 }],
    [{ width: 20, height: 25, scans: 4 }],
    [{ pieces: 50 }],
  ])('at the limit is accepted: %o', (differs) => {
    expect(() => checkInput(header(differs), limits)).not.toThrow();
  });

  it.each([
    [{ width: 40, height: 26 }, 1000, 1040, 'The image is 40 × 26 px; the limit is 1000 px in total.'],
    [{ width: 101, height: 1 }, 100, 101, 'The image is 101 × 1 px; the limit is 100 px per side.'],
    [{ width: 1, height: 101 }, 100, 101, 'The image is 1 × 101 px; the limit is 100 px per side.'],
    [{ scans: 5 }, 4, 5, 'The JPEG has 5 scans; the limit is 4 scans.'],
    [
      { width: 25, height: 30, scans: 3 },
      2000,
      2250,
      'The JPEG has 3 scans of 750 px, 2250 px in total; the limit is 2000 px in all scans.',
    ],
    [{ pieces: 51 }, 50, 51, 'The file has 51 parts (chunks, segments or blocks); the limit is 50 parts.'],
    [{ width: 2 ** 31 - 1, height: 2 ** 31 - 1 }, 100, 2 ** 31 - 1, /2147483647 × 2147483647 px/],
  ])('beyond it is rejected with the limit and the value: %o', (differs, limit, seen, message) => {
    const failure = expect.objectContaining({ code: 'image_too_large', details: { limit, seen } }) as unknown;
    expect(() => checkInput(header(differs), limits)).toThrow(failure);
    expect(() => checkInput(header(differs), limits)).toThrow(message);
  });
});

it('an ordinary progressive JPEG of the maximum size is accepted', () => {
  const ordinary = header({ width: 5000, height: 5000, scans: 10, pieces: 40 });
  expect(() => checkInput(ordinary, defaultImageLimits)).not.toThrow();
});

describe('a result', () => {
  it('has a maximum file size', () => {
    const limit = 50 * 1024 * 1024;
    expect(() => checkOutputBytes(limit, 12_000, defaultImageLimits)).not.toThrow();
    expect(() => checkOutputBytes(limit + 1, 12_000, defaultImageLimits)).toThrow(
      'The result has 52428801 bytes; use JPEG or WebP, or a smaller size. The limit is 52428800 bytes.',
    );
    expect(() => checkOutputBytes(75_000_000, 9_000_000, defaultImageLimits)).not.toThrow();
  });

  it('at the limit is accepted', () => {
    expect(() => checkOutput({ width: 100, height: 10 }, outputLimits)).not.toThrow();
  });

  it.each([
    [{ width: 101, height: 1 }, 100, 101],
    [{ width: 100, height: 11 }, 1000, 1100],
  ])('beyond it is rejected with the limit and the value: %o', (size, limit, seen) => {
    const failure = expect.objectContaining({
      code: 'output_too_large',
      details: { limit, seen },
    }) as unknown;
    expect(() => checkOutput(size, outputLimits)).toThrow(failure);
  });
});
