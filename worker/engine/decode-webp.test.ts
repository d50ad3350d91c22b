import type { Size } from '@image-pipeline/shared/images/plan-steps.ts';
import { describe, expect, it } from 'vitest';
import { asSharp, type Bitmap } from './bitmap.ts';
import { decodeImage } from './decode-image.ts';
import { inspectWebp } from './inspect/inspect-webp.ts';
import { asRgba, largestDifference, pixelAt, plainPicture, type Rgba } from './testing/pixels.ts';
import { anmf, vp8lHead, vp8x, webpChunks, webpFile, type WebpChunk } from './testing/webp-file.ts';

const ANIMATED = 2;
const ALPHA = 0x10;
const RED: Rgba = [200, 50, 50, 255];
const CLEAR: Rgba = [0, 0, 0, 0];
const canvas = { width: 30, height: 20 };
const anim: WebpChunk = ['ANIM', Buffer.from([0, 255, 0, 255, 0, 0])]; // a green background, which browsers ignore

async function decode(file: Buffer, reduceTo?: Size): Promise<Bitmap> {
  return asRgba(await decodeImage(inspectWebp(file), reduceTo));
}

async function chunksOf(size: Size, colour: Rgba, lossless = true): Promise<WebpChunk[]> {
  return webpChunks(await asSharp(plainPicture(size, colour)).webp({ lossless, quality: 100 }).toBuffer());
}

async function animation(
  size: Size,
  colour: Rgba,
  place: { x: number; y: number },
  lossless = true,
): Promise<Buffer> {
  const frame = anmf(size.width, size.height, await chunksOf(size, colour, lossless), place);
  return webpFile([['VP8X', vp8x(canvas.width, canvas.height, ANIMATED)], anim, ['ANMF', frame]]);
}

describe('the first frame of an animation is on its canvas, which is transparent', () => {
  it.each([
    [
      { width: 4, height: 6 },
      { x: 10, y: 8 },
    ],
    [
      { width: 30, height: 6 },
      { x: 0, y: 14 },
    ],
    [
      { width: 1, height: 1 },
      { x: 0, y: 0 },
    ],
  ])('%o at %o', async (size, place) => {
    const expected = plainPicture(canvas, CLEAR);
    for (let y = place.y; y < place.y + size.height; y++) {
      const from = (y * canvas.width + place.x) * 4;
      expected.data.fill(Buffer.from(RED), from, from + size.width * 4);
    }
    expect(largestDifference(await decode(await animation(size, RED, place)), expected)).toBe(0);
  });

  it.each([true, false])('also if it is translucent (lossless: %s)', async (lossless) => {
    const image = await decode(
      await animation({ width: 16, height: 16 }, [200, 50, 50, 99], { x: 2, y: 4 }, lossless),
    );
    expect(Math.abs((pixelAt(image, 9, 9)[0] ?? 0) - 200)).toBeLessThan(5);
    expect(pixelAt(image, 9, 9)[3]).toBe(99);
    expect(pixelAt(image, 1, 4)).toEqual([...CLEAR]);
  });

  it('reduced with the canvas', async () => {
    const reduced = await decode(await animation({ width: 10, height: 20 }, RED, { x: 20, y: 0 }), {
      width: 3,
      height: 2,
    });
    const [red, , , alpha] = pixelAt(reduced, 2, 0);
    expect(red).toBe(200);
    expect(alpha).toBeGreaterThan(200);
    expect(pixelAt(reduced, 0, 1)[3]).toBe(0);
  });

  it('opaque if it covers the canvas', async () => {
    for (const lossless of [true, false]) {
      const file = await animation(canvas, RED, { x: 0, y: 0 }, lossless);
      expect((await decodeImage(inspectWebp(file))).channels).toBe(3);
    }
  });
});

describe('legal in unusual forms', () => {
  const odd: WebpChunk = ['abcd', Buffer.alloc(7)];
  const wrongFrame: WebpChunk = ['ANMF', anmf(9000, 9000, vp8lHead(3, 3), { x: 600, y: 600 })];
  it.each<[string, (still: WebpChunk[], frame: WebpChunk) => readonly WebpChunk[]]>([
    ['unknown chunks', (_, frame) => [odd, odd, anim, odd, frame, odd]],
    ['unknown chunks in a frame', (still) => [anim, odd, ['ANMF', anmf(30, 20, [odd, ...still, odd])], odd]],
    ['no ANIM', (_, frame) => [frame]],
    ['an image beside its frames', (still, frame) => [...still, anim, frame]],
    ['an empty profile', (_, frame) => [['ICCP', Buffer.alloc(0)], anim, frame]],
    ['a profile that is none', (_, frame) => [['ICCP', Buffer.alloc(300, 1)], anim, frame]],
    [
      'metadata that is none',
      (_, frame) => [anim, frame, ['EXIF', Buffer.alloc(3)], ['XMP ', Buffer.alloc(3)]],
    ],
  ])('%s', async (_, build) => {
    const still = await chunksOf(canvas, RED);
    const file = webpFile([['VP8X', vp8x(30, 20, ANIMATED)], ...build(still, ['ANMF', anmf(30, 20, still)])]);
    expect(largestDifference(await decode(file), plainPicture(canvas, RED))).toBe(0);
  });

  it('unknown and repeated chunks around a still image', async () => {
    const still = await chunksOf(canvas, RED);
    const file = webpFile([
      ['VP8X', vp8x(30, 20)],
      odd,
      ...still,
      ['VP8L', vp8lHead(30, 20)],
      odd,
      wrongFrame,
    ]);
    expect(largestDifference(await decode(file), plainPicture(canvas, RED))).toBe(0);
  });
});

describe('an alpha channel that the file declares as unused is not shown', () => {
  const size = { width: 64, height: 48 };
  const hidden: Rgba = [200, 50, 50, 0];
  /** The bit after the size in a lossless bitstream. */
  const withoutHint = ([type, data]: WebpChunk): WebpChunk => {
    const copy = Buffer.from(data);
    copy.writeUInt8(copy.readUInt8(4) & ~0x10, 4);
    return [type, copy];
  };
  const lossless = async () => {
    const file = asSharp(plainPicture(size, hidden)).webp({ lossless: true, exact: true });
    return webpChunks(await file.toBuffer());
  };

  it.each<[string, () => Promise<WebpChunk[]>]>([
    ['in a lossless image', async () => (await lossless()).map(withoutHint)],
    [
      'in an extended lossless image',
      async () => [['VP8X', vp8x(64, 48)], ...(await lossless()).map(withoutHint)],
    ],
    [
      'in an extended lossless image, though its hint says used',
      async () => [['VP8X', vp8x(64, 48)], ...(await lossless())],
    ],
    [
      'in a frame',
      async () => [
        ['VP8X', vp8x(64, 48, ANIMATED | ALPHA)],
        anim,
        ['ANMF', anmf(64, 48, (await lossless()).map(withoutHint))],
      ],
    ],
    ['in a lossy image', async () => [['VP8X', vp8x(64, 48)], ...(await chunksOf(size, hidden, false))]],
  ])('%s', async (_, chunks) => {
    const file = webpFile(await chunks());
    for (const reduceTo of [size, { width: 20, height: 15 }]) {
      const image = await decode(file, reduceTo);
      expect(pixelAt(image, 5, 5)[3]).toBe(255);
      expect(largestDifference(image, plainPicture(reduceTo, RED))).toBeLessThanOrEqual(6);
    }
  });

  it('but one that it declares is', async () => {
    const file = webpFile([['VP8X', vp8x(64, 48, ALPHA)], ...(await lossless())]);
    expect(pixelAt(await decode(file), 5, 5)).toEqual([...hidden]);
    expect(pixelAt(await decode(webpFile(await lossless())), 5, 5)).toEqual([...hidden]);
  });
});

it('a chunk that is longer than the file is rejected, wherever it is', async () => {
  const file = webpFile([...(await chunksOf(canvas, RED)), ['EXIF', Buffer.alloc(100)]]);
  const cut = Buffer.from(file.subarray(0, -50));
  cut.writeUInt32LE(cut.length - 8, 4);
  expect(() => inspectWebp(cut)).toThrow('a WebP chunk is truncated');
});

it.each([
  ['outside its canvas', anmf(20, 20, vp8lHead(20, 20), { x: 20, y: 0 })],
  ['larger than its canvas', anmf(40, 20, vp8lHead(40, 20))],
  ['without an image', anmf(30, 20, [['abcd', Buffer.alloc(4)]])],
  ['with an image that is cut', anmf(30, 20, vp8lHead(30, 20)).subarray(0, -3)],
  ['of another size than its image', anmf(30, 19, vp8lHead(30, 20))],
])('a frame %s is rejected, be it the first or not', (_, frame) => {
  const good: WebpChunk = ['ANMF', anmf(30, 20, vp8lHead(30, 20))];
  for (const frames of [[['ANMF', frame]], [good, ['ANMF', frame]]] satisfies WebpChunk[][]) {
    const file = webpFile([['VP8X', vp8x(30, 20, ANIMATED)], anim, ...frames]);
    expect(() => inspectWebp(file)).toThrow(
      expect.objectContaining({ code: 'undecodable_image' }) as unknown,
    );
  }
});

it.each([
  ['frames', 150_000, ['ANMF', anmf(2, 2, vp8lHead(2, 2))]],
  ['unknown chunks', 1_000_000, ['abcd', Buffer.alloc(0)]],
] as const)('any number of %s is read in no time', async (_, count, chunk) => {
  const first: WebpChunk = ['ANMF', anmf(30, 20, await chunksOf(canvas, RED))];
  const file = webpFile([
    ['VP8X', vp8x(30, 20, ANIMATED)],
    anim,
    first,
    ...Array<WebpChunk>(count).fill(chunk),
  ]);
  const began = performance.now();
  expect(largestDifference(await decode(file), plainPicture(canvas, RED))).toBe(0);
  expect(performance.now() - began).toBeLessThan(3_000);
});
