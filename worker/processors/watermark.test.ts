import type { Size } from '@image-pipeline/shared/images/plan-steps.ts';
import {
  watermarkPositions,
  watermarkSchema,
  type Watermark,
} from '@image-pipeline/shared/contracts/operations.ts';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Bitmap } from '../engine/bitmap.ts';
import { createTextRenderer, type DrawText } from '../engine/text/text-renderer.ts';
import { plainPicture, type Rgba } from '../engine/testing/pixels.ts';
import { watermark } from './watermark.ts';

const WHITE = [255, 255, 255, 255] as const;
const BLACK = [0, 0, 0, 255] as const;
const GREY = [128, 128, 128, 255] as const;

let drawText: DrawText;
beforeAll(async () => {
  drawText = await createTextRenderer();
});

async function marked(size: Size, colour: Rgba, differs: Partial<Watermark> = {}): Promise<Bitmap> {
  const image = plainPicture(size, colour);
  await watermark(image, watermarkSchema.parse({ type: 'watermark', text: 'Hello', ...differs }), drawText);
  return image;
}

describe('is at the requested position, with a margin', () => {
  it.each(watermarkPositions)('%s', async (position) => {
    const { left, top, right, bottom } = mark(
      await marked({ width: 400, height: 300 }, GREY, { position }),
      GREY,
    );
    const [before, after] = [left, 399 - right];
    const [above, below] = [top, 299 - bottom];
    if (position.includes('left')) expect(before).toBeLessThan(15);
    else if (position.includes('right')) expect(after).toBeLessThan(15);
    else expect(Math.abs(before - after)).toBeLessThanOrEqual(3);
    if (position.includes('top')) expect(above).toBeLessThan(15);
    else if (position.includes('bottom')) expect(below).toBeLessThan(15);
    else expect(Math.abs(above - below)).toBeLessThanOrEqual(3);
    expect(Math.min(before, after, above, below)).toBeGreaterThanOrEqual(9);
  });
});

describe('is readable', () => {
  it.each([
    ['white', 200, WHITE],
    ['black', 200, BLACK],
    ['white', 3000, WHITE],
    ['black', 3000, BLACK],
  ] as const)('on %s at %i px', async (_, width, colour) => {
    const size = { width, height: Math.round(width / 1.5) };
    const { contrast, bottom, top } = mark(await marked(size, colour), colour);
    expect(contrast).toBeGreaterThan(90);
    expect(bottom - top).toBeGreaterThanOrEqual(10);
    expect((bottom - top) / size.height).toBeLessThan(0.15);
  });

  it.each([
    ['200 wide letters', 'W'.repeat(200)],
    ['40 words', 'word '.repeat(40)],
    ['100 lines', 'a\n'.repeat(100)],
    ['200 Chinese characters', '漢'.repeat(200)],
  ])('if %s at the largest size are larger than the largest image', async (_, text) => {
    const size = { width: 5_000, height: 5_000 };
    const { left, top, right, bottom } = mark(await marked(size, GREY, { text, size: 0.5 }), GREY);
    expect(Math.min(left, top, 4_999 - right, 4_999 - bottom)).toBeGreaterThanOrEqual(100);
    expect(Math.max(right - left, bottom - top)).toBeGreaterThan(3_000);
  });

  it('better at higher opacity', async () => {
    const contrasts = [0.05, 0.3, 0.6, 1].map(
      async (opacity) => mark(await marked({ width: 300, height: 200 }, BLACK, { opacity }), BLACK).contrast,
    );
    const [faint = 0, ...others] = await Promise.all(contrasts);
    expect([faint, ...others]).toEqual([faint, ...others].sort((a, b) => a - b));
    expect(faint).toBeGreaterThan(5);
    expect(others.at(-1)).toBe(255);
  });

  it('has the requested size, relative to the smaller side', async () => {
    const heightAt = async (size: number) => {
      const { top, bottom } = mark(await marked({ width: 900, height: 600 }, GREY, { size }), GREY);
      return bottom - top + 1;
    };
    expect((await heightAt(0.2)) / (await heightAt(0.1))).toBeCloseTo(2, 0);
  });
});

describe('stays inside the image', () => {
  const long = 'The quick brown fox jumps over the lazy dog, again and again. '.repeat(3);
  it.each([
    ['a long text', 300, 200, long],
    ['a long text in a wide image', 2000, 30, long],
    ['a long text in a tall image', 30, 2000, long],
    ['a long word', 200, 200, 'x'.repeat(200)],
    ['a large text', 200, 200, 'WWWWWW'],
    ['many lines', 200, 100, 'a\n'.repeat(60)],
  ])('%s', async (_, width, height, text) => {
    const found = mark(await marked({ width, height }, GREY, { text, size: 0.5, position: 'center' }), GREY);
    expect(found.pixels).toBeGreaterThan(50);
    expect(Math.min(found.left, found.top)).toBeGreaterThan(0);
    expect(found.right).toBeLessThan(width - 1);
    expect(found.bottom).toBeLessThan(height - 1);
  });

  it.each([
    [1, 1],
    [2, 300],
    [300, 2],
    [10, 10],
  ])('of %i × %i px', async (width, height) => {
    const result = await marked({ width, height }, GREY);
    expect(result).toMatchObject({ width, height });
    expect(mark(result, GREY).pixels).toBeGreaterThan(0);
  });
});

it('leaves an opaque image opaque', async () => {
  const { data } = await marked({ width: 300, height: 200 }, [10, 120, 250, 255]);
  expect(data.every((value, i) => i % 4 !== 3 || value === 255)).toBe(true);
});

it('does not change pixels it does not cover', async () => {
  const { data } = await marked({ width: 300, height: 200 }, [10, 20, 30, 0]);
  expect(data.readUInt32BE(0)).toBe(0x0a141e00);
  expect(data.some((value, i) => i % 4 === 3 && value > 100)).toBe(true);
});

it('an invisible text is rejected', async () => {
  const failure = expect.objectContaining({ code: 'processing_failed' }) as unknown;
  await expect(marked({ width: 100, height: 100 }, GREY, { text: '\u200b' })).rejects.toThrow(failure);
});

/** Where a picture differs from its background, in pixels, and the largest difference, in levels. */
function mark({ data, width, height }: Bitmap, [background]: Rgba) {
  const found = { left: width, top: height, right: -1, bottom: -1, pixels: 0, contrast: 0 };
  for (let i = 0; i < data.length; i += 4) {
    const difference = Math.abs((data[i] ?? 0) - background);
    if (difference === 0) continue;
    const x = (i / 4) % width;
    const y = Math.floor(i / 4 / width);
    found.left = Math.min(found.left, x);
    found.right = Math.max(found.right, x);
    found.top = Math.min(found.top, y);
    found.bottom = Math.max(found.bottom, y);
    found.pixels += 1;
    found.contrast = Math.max(found.contrast, difference);
  }
  return found;
}
