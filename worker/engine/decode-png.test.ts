import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { asSharp, type Bitmap } from './bitmap.ts';
import { decodeImage } from './decode-image.ts';
import { inspectPng } from './inspect/inspect-png.ts';
import { exifBlock, ORIENTATION } from './testing/exif-block.ts';
import { asRgba, cornersPicture, largestDifference, pixelAt, plainPicture } from './testing/pixels.ts';
import {
  damagedPngChunk,
  integers,
  pngChunk,
  row,
  shorts,
  type PngParts,
  withChunks,
} from './testing/png-file.ts';

async function decode(file: Buffer): Promise<Bitmap> {
  return asRgba(await decodeImage(inspectPng(file)));
}

const gamma = (value: number) => pngChunk('gAMA', integers(Math.round(value * 100_000)));
/** In the order of the chunk: white, red, green, blue. */
const primaries = (...values: number[]) =>
  pngChunk('cHRM', integers(...values.map((value) => Math.round(value * 100_000))));
const SRGB_PRIMARIES = [0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06];
const P3_PRIMARIES = [0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06];
const coded = (...values: number[]) => pngChunk('cICP', Buffer.from(values));
const srgb = (intent = 0) => pngChunk('sRGB', Buffer.from([intent]));

describe('ancillary chunks do not decide whether a picture is accepted', () => {
  const picture = cornersPicture({ width: 40, height: 30 });
  const text = (type: string, data: string) => pngChunk(type, Buffer.from(data, 'latin1'));
  const bomb = Buffer.concat([Buffer.from('a\0\0'), deflateSync(Buffer.alloc(45_000_000))]);
  it.each<[string, ...Buffer[]]>([
    ['two gAMA', gamma(0.45455), gamma(0.45455)],
    ['two that contradict each other', gamma(0.45455), gamma(1)],
    ['two sRGB', srgb(), srgb(1)],
    ['two cHRM', primaries(...SRGB_PRIMARIES), primaries(...SRGB_PRIMARIES)],
    ['two pHYs', pngChunk('pHYs', Buffer.alloc(9, 1)), pngChunk('pHYs', Buffer.alloc(9, 2))],
    ['an sRGB intent of 9', srgb(9)],
    ['an empty sRGB', pngChunk('sRGB')],
    ['a gAMA of 0', gamma(0)],
    ['a gAMA of 3 bytes', pngChunk('gAMA', Buffer.alloc(3, 1))],
    ['a gAMA with a wrong checksum', damagedPngChunk('gAMA', integers(100_000))],
    ['a cHRM of zeros', primaries(0, 0, 0, 0, 0, 0, 0, 0)],
    ['a cHRM without blue', primaries(0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.64, 0.33)],
    ['an unknown cICP', coded(2, 2, 0, 1)],
    ['a cICP for YCbCr', coded(9, 16, 9, 1)],
    ['a short cICP', coded(9, 16)],
    ['a tEXt without separator', text('tEXt', 'no separator')],
    ['an iTXt that ends early', text('iTXt', 'key\0')],
    ['a zTXt that does not inflate', text('zTXt', 'key\0\0garbage')],
    ['an empty tEXt', pngChunk('tEXt')],
    ['a zTXt that inflates without end', pngChunk('zTXt', bomb)],
    ['an iCCP that inflates without end', pngChunk('iCCP', bomb)],
    [
      'an iCCP that is not a profile',
      pngChunk('iCCP', Buffer.concat([Buffer.from('a\0\0'), deflateSync(Buffer.alloc(500))])),
    ],
    ['an iCCP without separator', text('iCCP', 'no separator')],
    ['a tRNS although it has an alpha channel', pngChunk('tRNS', Buffer.alloc(6))],
    ['two tRNS', pngChunk('tRNS', Buffer.alloc(6)), pngChunk('tRNS', Buffer.alloc(6))],
    ['a wrong time', pngChunk('tIME', Buffer.alloc(7, 0xff))],
    ['a background for another type', pngChunk('bKGD', Buffer.alloc(1))],
    ['a palette of a wrong length', pngChunk('PLTE', Buffer.alloc(5))],
    ['an unknown chunk', pngChunk('abCd', Buffer.alloc(1000))],
    ['a text with a wrong checksum', damagedPngChunk('tEXt', Buffer.from('a\0b'))],
    [
      'parts of an animation',
      pngChunk('acTL', integers(0xffff, 0)),
      pngChunk('fcTL', Buffer.alloc(26, 0xff)),
    ],
  ])('%s', async (_, ...chunks) => {
    const file = withChunks(await asSharp(picture).png().toBuffer(), ...chunks);
    expect(largestDifference(await decode(file), picture)).toBe(0);
  });
});

describe('transparency of a colour', () => {
  const alphas = async (file: Buffer) => {
    const { data } = await decode(file);
    return [...data].filter((_, i) => i % 4 === 3);
  };
  it.each<[string, Partial<PngParts>, Buffer, Buffer, number[]]>([
    ['1-bit grey', { depth: 1, colourType: 0, width: 2 }, Buffer.from([0x40]), shorts(1), [255, 0]],
    [
      '1-bit grey with high bits',
      { depth: 1, colourType: 0, width: 2 },
      Buffer.from([0x40]),
      shorts(0xff),
      [255, 0],
    ],
    [
      '1-bit black with high bits',
      { depth: 1, colourType: 0, width: 2 },
      Buffer.from([0x40]),
      shorts(0xfffe),
      [0, 255],
    ],
    [
      '2-bit grey with high bits',
      { depth: 2, colourType: 0, width: 2 },
      Buffer.from([0x60]),
      shorts(0x0106),
      [255, 0],
    ],
    [
      '4-bit grey with high bits',
      { depth: 4, colourType: 0, width: 2 },
      Buffer.from([0x7c]),
      shorts(0xff7),
      [0, 255],
    ],
    ['8-bit grey with high bits', { colourType: 0, width: 2 }, Buffer.from([9, 8]), shorts(0x109), [0, 255]],
    [
      '8-bit RGB with high bits',
      { width: 2 },
      Buffer.from([1, 2, 3, 1, 2, 4]),
      shorts(0x101, 0xff02, 3),
      [0, 255],
    ],
    ['16-bit grey', { depth: 16, colourType: 0, width: 2 }, shorts(0x109, 0x108), shorts(0x109), [0, 255]],
    ['a palette', { colourType: 3, width: 3 }, Buffer.from([0, 1, 2]), Buffer.from([7, 0]), [7, 0, 255]],
    [
      'a palette with too many alphas',
      { colourType: 3, width: 3 },
      Buffer.from([0, 1, 2]),
      Buffer.alloc(4),
      [255, 255, 255],
    ],
    ['grey of a wrong length', { colourType: 0, width: 2 }, Buffer.from([0, 8]), Buffer.alloc(1), [255, 255]],
    ['RGB of a wrong length', { width: 2 }, Buffer.alloc(6), Buffer.alloc(2), [255, 255]],
    [
      'none of no length',
      { colourType: 3, width: 3 },
      Buffer.from([0, 1, 2]),
      Buffer.alloc(0),
      [255, 255, 255],
    ],
  ])('%s', async (_, parts, samples, transparency, expected) => {
    const palette =
      parts.colourType === 3 ? [pngChunk('PLTE', Buffer.from([1, 2, 3, 4, 5, 6, 7, 8, 9]))] : [];
    const file = row({ height: 1, ...parts }, samples, ...palette, pngChunk('tRNS', transparency));
    expect(await alphas(file)).toEqual(expected);
  });
});

it('a second transparency counts if the first is not valid', async () => {
  const chunks = [pngChunk('tRNS'), pngChunk('tRNS', shorts(8)), pngChunk('tRNS', shorts(9))];
  const file = row({ colourType: 0, width: 2 }, Buffer.from([9, 8]), ...chunks);
  expect([...(await decode(file)).data].filter((_, i) => i % 4 === 3)).toEqual([255, 0]);
});

it('damaged transparency is rejected, unless it would not count', async () => {
  const damaged = damagedPngChunk('tRNS', shorts(8));
  const expected = expect.objectContaining({ code: 'undecodable_image' }) as unknown;
  await expect(decode(row({ colourType: 0 }, Buffer.from([9]), damaged))).rejects.toThrow(expected);
  await expect(decode(row({ colourType: 4 }, Buffer.from([9, 8]), damaged))).resolves.toBeDefined();
});

describe('colours are converted to sRGB', () => {
  /** The first pixel of an image in one colour. */
  const pixel = async (file: Buffer) => pixelAt(await decode(file), 0, 0).slice(0, 3);
  const grey = (value: number, ...chunks: Buffer[]) =>
    row({ colourType: 0 }, Buffer.from([value]), ...chunks);
  const rgb = (values: number[], ...chunks: Buffer[]) => row({}, Buffer.from(values), ...chunks);
  const [P3, BT2020] = [12, 9];
  const [SRGB, LINEAR, PQ, HLG] = [13, 8, 16, 18];

  it.each<[string, Buffer, number[]]>([
    // 255 × the sRGB value of 128 / 255
    ['gamma 1', grey(128, gamma(1)), [188, 188, 188]],
    ['gamma 1 in RGB', rgb([128, 0, 255], gamma(1)), [188, 0, 255]],
    [
      'gamma 1 in a palette',
      row({ colourType: 3 }, Buffer.from([0]), pngChunk('PLTE', Buffer.from([128, 0, 255])), gamma(1)),
      [188, 0, 255],
    ],
    ['gamma 1 in 1 bit', row({ colourType: 0, depth: 1 }, Buffer.from([0x80]), gamma(1)), [255, 255, 255]],
    ['gamma 1 in 16 bits', row({ depth: 16 }, shorts(0x8080, 100, 65_535), gamma(1)), [188, 5, 255]],
    ['gamma 1 in 16-bit grey', row({ depth: 16, colourType: 0 }, shorts(100), gamma(1)), [5, 5, 5]],
    ['gamma 1 / 1.8 of old Macs', grey(128, gamma(1 / 1.8)), [147, 147, 147]],
    ['gamma 1 / 3', grey(128, gamma(1 / 3)), [99, 99, 99]],
    ['gamma of sRGB', grey(128, gamma(0.45455)), [128, 128, 128]],
    ['nearly the gamma of sRGB', grey(128, gamma(0.45)), [128, 128, 128]],
    [
      'gamma 1 after two broken ones',
      grey(128, damagedPngChunk('gAMA', integers(33_333)), gamma(1)),
      [188, 188, 188],
    ],
    ['gamma 1, but sRGB', grey(128, gamma(1), srgb()), [128, 128, 128]],
    ['gamma 1, but a cICP of sRGB', grey(128, gamma(1), coded(1, SRGB, 0, 1)), [128, 128, 128]],
    ['primaries of sRGB', rgb([180, 90, 70], primaries(...SRGB_PRIMARIES)), [180, 90, 70]],
    // As the ICC profile of Display P3 gives them in another test.
    ['primaries of P3', rgb([168, 94, 75], gamma(0.45455), primaries(...P3_PRIMARIES)), [180, 90, 70]],
    ['primaries of P3 without gamma', rgb([168, 94, 75], primaries(...P3_PRIMARIES)), [180, 90, 70]],
    ['primaries of P3 in grey', grey(77, primaries(...P3_PRIMARIES)), [77, 77, 77]],
    ['primaries of P3, but sRGB', rgb([168, 94, 75], srgb(), primaries(...P3_PRIMARIES)), [168, 94, 75]],
    [
      'another white',
      rgb([255, 255, 255], primaries(0.3457, 0.3585, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)),
      [255, 255, 255],
    ],
    ['cICP of P3', rgb([168, 94, 75], coded(P3, SRGB, 0, 1)), [180, 90, 70]],
    ['cICP of P3 before gamma', rgb([168, 94, 75], gamma(1), coded(P3, SRGB, 0, 1)), [180, 90, 70]],
    ['cICP of linear light', grey(128, coded(1, LINEAR, 0, 1)), [188, 188, 188]],
    ['cICP with a narrow range', grey(235, coded(1, SRGB, 0, 0)), [255, 255, 255]],
    ['cICP with a narrow range, black', grey(16, coded(1, SRGB, 0, 0)), [0, 0, 0]],
    // ITU-R BT.2408: the signals of reference white.
    ['PQ white', grey(148, coded(BT2020, PQ, 0, 1)), [255, 255, 255]],
    ['PQ black', grey(0, coded(BT2020, PQ, 0, 1)), [0, 0, 0]],
    ['HLG white', grey(192, coded(BT2020, HLG, 0, 1)), [255, 255, 255]],
  ])('%s', async (_, file, expected) => {
    const difference = (await pixel(file)).map((value, i) => Math.abs(value - (expected[i] ?? 0)));
    expect(Math.max(...difference)).toBeLessThanOrEqual(1);
  });

  it('but transparency is not', async () => {
    const file = row({ colourType: 6 }, Buffer.from([128, 128, 128, 100]), gamma(1));
    expect(pixelAt(await decode(file), 0, 0)).toEqual([188, 188, 188, 100]);
    const deep = row({ colourType: 6, depth: 16 }, shorts(0x8080, 0x8080, 0x8080, 0x6464), gamma(1));
    expect(pixelAt(await decode(deep), 0, 0)).toEqual([188, 188, 188, 100]);
  });

  it.each([8, 16] as const)('by an ICC profile of %i bits', async (depth) => {
    const plain = plainPicture({ width: 16, height: 16 }, [180, 90, 70, 255]);
    const pipeline = asSharp(plain).removeAlpha();
    if (depth === 16) pipeline.toColourspace('rgb16');
    const file = await pipeline.withIccProfile('p3').png().toBuffer();
    expect(largestDifference(await decode(file), plain)).toBeLessThanOrEqual(2);
    expect(largestDifference(await decode(withChunks(file, gamma(1))), plain)).toBeLessThanOrEqual(2);
  });

  it('the same at a reduced size, turned, and with an alpha channel', async () => {
    const orientation = pngChunk('eXIf', exifBlock([{ tag: ORIENTATION, value: 6 }]));
    const plain = plainPicture({ width: 30, height: 20 }, [128, 0, 255, 255]);
    const file = withChunks(await asSharp(plain).png().toBuffer(), gamma(1), orientation);
    const image = await decodeImage(inspectPng(file), { width: 10, height: 15 }, true);
    expect(image).toMatchObject({ width: 10, height: 15, channels: 4 });
    expect(pixelAt(image, 9, 14)).toEqual([188, 0, 255, 255]);
  });
});
