import type { Size } from '@image-pipeline/shared/images/plan-steps.ts';
import { describe, expect, it } from 'vitest';
import { decodeGif } from './decode-gif.ts';
import { inspectGif } from './inspect/inspect-gif.ts';
import { gifFile, lzw, type GifFrameParts } from './testing/gif-file.ts';
import { asRgba, pixelAt } from './testing/pixels.ts';

const RED = [255, 0, 0, 255];
const BLUE = [0, 0, 255, 255];
const NOTHING = [0, 0, 0, 0];
const undecodable = expect.objectContaining({ code: 'undecodable_image' }) as unknown;

function decode(screen: Size, frame: GifFrameParts, options?: { palette: readonly number[] }) {
  return decodeGif(inspectGif(gifFile(screen, [frame], options)));
}

/** A frame in one colour. */
function plain({ width, height }: Size, colour = 1): GifFrameParts {
  return { width, height, data: lzw(Array<number>(width * height).fill(colour)) };
}

describe('what the first frame does not cover is transparent', () => {
  // libvips takes the sizes of common screens for those of the computer that the GIF was made on.
  it.each([
    [640, 480],
    [641, 480],
    [640, 512],
    [800, 600],
    [1024, 768],
    [1280, 1024],
    [1600, 1200],
    [2049, 10],
    [20, 10],
  ])('on a screen of %i × %i px', async (width, height) => {
    const image = decode({ width, height }, { x: 3, y: 2, ...plain({ width: 4, height: 5 }) });
    expect(image).toMatchObject({ width, height, channels: 4 });
    expect(pixelAt(image, 3, 2)).toEqual(BLUE);
    expect(pixelAt(image, 6, 6)).toEqual(BLUE);
    for (const [x, y] of [
      [0, 0],
      [2, 2],
      [7, 2],
      [3, 7],
      [width - 1, height - 1],
    ] as const) {
      expect(pixelAt(await asRgba(image), x, y)).toEqual(NOTHING);
    }
  });

  it('not where it covers the screen, or is larger', () => {
    expect(decode({ width: 5, height: 4 }, plain({ width: 5, height: 4 })).channels).toBe(3);
    expect(decode({ width: 0, height: 0 }, plain({ width: 5, height: 4 })).channels).toBe(3);
    expect(decode({ width: 3, height: 9 }, plain({ width: 5, height: 4 }))).toMatchObject({
      width: 5,
      height: 9,
      channels: 4,
    });
  });
});

describe('colours', () => {
  const two = { width: 2, height: 1, data: lzw([0, 1]) };
  it('of the frame come before those of the screen', () => {
    const image = decode(two, { ...two, palette: [1, 2, 3, 4, 5, 6] });
    expect([...image.data]).toEqual([1, 2, 3, 4, 5, 6]);
  });
  it('may be transparent', () => {
    expect([...decode(two, { ...two, transparent: 0 }).data]).toEqual([...NOTHING, ...BLUE]);
    expect([...decode(two, { ...two, transparent: 1 }).data]).toEqual([...RED, ...NOTHING]);
    expect(decode(two, { ...two, transparent: 3 }).channels).toBe(3);
  });
  it('that the palette does not have are transparent', () => {
    expect([...decode(two, { ...two, data: lzw([1, 3]) }).data]).toEqual([...BLUE, ...NOTHING]);
  });
  it('are black and white without a palette', () => {
    expect([...decode(two, two, { palette: [] }).data]).toEqual([0, 0, 0, 255, 255, 255]);
  });
});

it('the rows of an interlaced frame are put in order', () => {
  const order = [0, 8, 4, 2, 6, 1, 3, 5, 7, 9];
  const palette = [...Array(12).keys()];
  const data = lzw(order.map((row) => row % 4));
  const image = decode({ width: 1, height: 10 }, { width: 1, height: 10, interlaced: true, data, palette });
  expect([...image.data].filter((_, i) => i % 3 === 0).map((red) => red / 3)).toEqual(
    [...Array(10).keys()].map((row) => row % 4),
  );
});

describe('pixel data', () => {
  const size = { width: 7, height: 9 };
  const colours = Array.from({ length: 63 }, (_, i) => i % 2);
  const withData = (data: readonly number[]) => decode(size, { ...size, data });
  const expected = withData(lzw(colours)).data;

  it.each([
    ['with more pixels than the frame', lzw([...colours, 1, 1, 1])],
    ['without an end code', lzw(colours, { withEnd: false })],
    ['in blocks of one byte', lzw(colours, { blockSize: 1 })],
  ])('%s is accepted', (_, data) => {
    expect(withData(data).data).toEqual(expected);
  });

  it.each([1, 2, 3])('is accepted if the file ends %i bytes early, after the last pixel', (missing) => {
    const file = gifFile(size, [{ ...size, data: lzw([...colours, 1, 1, 1, 1]) }]);
    const cut = missing === 3 ? file.subarray(0, -2) : file.subarray(0, -missing);
    expect(decodeGif(inspectGif(cut)).data).toEqual(expected);
  });

  it.each([
    ['one pixel too few', lzw(colours.slice(1))],
    ['half of the pixels', lzw(colours.slice(32))],
    ['one pixel too few and no end code', lzw(colours.slice(1), { withEnd: false })],
    ['no pixel', lzw([])],
    ['no data', [2, 0]],
    ['codes that are not defined', [2, 2, 0b11_001_100, 0, 0]],
    ['a code size of 12 bits', [12, ...lzw(colours).slice(1)]],
    ['a code size of 0 bits', [0, ...lzw(colours).slice(1)]],
  ])('with %s is rejected', (_, data) => {
    expect(() => withData(data)).toThrow(undecodable);
  });

  it('that is short says how many pixels there are', () => {
    expect(() => withData(lzw(colours.slice(3)))).toThrow('contains 60 pixels, but its header declares 63');
  });
});

it('an absurd later frame does not matter', () => {
  const size = { width: 5, height: 4 };
  for (const later of [
    { width: 65_535, height: 65_535 },
    { width: 0, height: 0 },
    { x: 65_535, y: 65_535, width: 1, height: 1, data: [99] },
  ]) {
    const image = inspectGif(gifFile(size, [plain(size), later]));
    expect(image).toMatchObject(size);
    expect(pixelAt({ ...decodeGif(image) }, 0, 0).slice(0, 3)).toEqual(BLUE.slice(0, 3));
  }
});
