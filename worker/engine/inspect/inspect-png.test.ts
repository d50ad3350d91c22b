import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { asSharp } from '../bitmap.ts';
import { exifBlock, ORIENTATION } from '../testing/exif-block.ts';
import { cornersPicture } from '../testing/pixels.ts';
import { pngChunk, pngFile } from '../testing/png-file.ts';
import { checkPngData } from './check-png-data.ts';
import { inspectPng } from './inspect-png.ts';

const MIB = 1024 * 1024;
const picture = asSharp(cornersPicture({ width: 33, height: 21 }));
const greyRows = (rows: number) => Buffer.alloc(rows * 11); // of 10 px and a filter byte
const undecodable = expect.objectContaining({ code: 'undecodable_image' }) as unknown;

describe('the header', () => {
  it('gives size and orientation', async () => {
    const file = await picture.clone().png().toBuffer();
    expect(inspectPng(file)).toMatchObject({
      format: 'png',
      width: 33,
      height: 21,
      orientation: 1,
    });

    const turned = pngFile({
      width: 10,
      height: 2,
      colourType: 0,
      data: greyRows(2),
      before: [pngChunk('eXIf', exifBlock([{ tag: ORIENTATION, value: 6 }]))],
    });
    expect(inspectPng(turned)).toMatchObject({ orientation: 6 });
  });

  it('may declare any number of pixels: the limits are checked later', () => {
    const side = 2 ** 31 - 1;
    expect(inspectPng(pngFile({ width: side, height: side, data: Buffer.alloc(1) }))).toMatchObject({
      width: side,
    });
  });

  it.each([
    ['zero width', pngFile({ width: 0, height: 1, data: Buffer.alloc(1) })],
    ['a width beyond the format', pngFile({ width: 2 ** 31, height: 1, data: Buffer.alloc(1) })],
    ['an unknown colour type', pngFile({ width: 1, height: 1, colourType: 5, data: Buffer.alloc(4) })],
    [
      'a depth that its colour type does not have',
      pngFile({ width: 1, height: 1, depth: 4, data: Buffer.alloc(4) }),
    ],
    ['no pixel data', pngFile({ width: 1, height: 1 })],
    [
      'another chunk first',
      Buffer.concat([pngFile({ width: 1, height: 1 }).subarray(0, 8), pngChunk('IDAT')]),
    ],
    [
      'a chunk longer than the file',
      Buffer.concat([pngFile({ width: 1, height: 1 }).subarray(0, 33), Buffer.alloc(8, 0xff)]),
    ],
    ['another signature', Buffer.alloc(100)],
  ])('with %s is rejected', (_, file) => {
    expect(() => inspectPng(file)).toThrow(undecodable);
  });

  it('without an end is rejected', async () => {
    const file = await picture.clone().png().toBuffer();
    for (const length of [file.length - 1, file.length - 12, file.length - 20, 40, 20, 9]) {
      expect(() => inspectPng(file.subarray(0, length))).toThrow();
    }
  });
});

describe('the pixel data', () => {
  it.each(['png', 'interlaced', 'palette', '16 bits', 'grey', 'one bit'] as const)(
    'of a good %s is accepted',
    async (kind) => {
      const file = await {
        png: picture.clone().png(),
        interlaced: picture.clone().png({ progressive: true }),
        palette: picture.clone().png({ palette: true, colours: 12 }),
        '16 bits': picture.clone().toColourspace('rgb16').png({ progressive: true }),
        grey: picture.clone().removeAlpha().toColourspace('b-w').png(),
        'one bit': picture.clone().png({ palette: true, colours: 2 }),
      }[kind].toBuffer();
      await expect(checkPngData(inspectPng(file))).resolves.toBeUndefined();
    },
  );

  it('in several chunks is accepted', async () => {
    const whole = pngFile({ width: 10, height: 3, colourType: 0, data: greyRows(3) });
    const [header, data, end] = [whole.subarray(0, 33), whole.subarray(41, -16), whole.subarray(-12)];
    const split = Buffer.concat([
      header,
      pngChunk('IDAT', data.subarray(0, 5)),
      pngChunk('IDAT', data.subarray(5)),
      end,
    ]);
    await expect(checkPngData(inspectPng(split))).resolves.toBeUndefined();
  });

  it.each([
    ['short by a row', greyRows(2)],
    ['short by a byte', greyRows(3).subarray(1)],
    ['surplus by a byte', Buffer.alloc(34)],
    ['empty', Buffer.alloc(0)],
  ])('that is %s is rejected', async (_, data) => {
    const header = inspectPng(pngFile({ width: 10, height: 3, colourType: 0, data }));
    await expect(checkPngData(header)).rejects.toThrow(undecodable);
  });

  it('that is damaged is rejected', async () => {
    const file = await picture.clone().png().toBuffer();
    const data = file.indexOf('IDAT') + 4;
    await expect(checkPngData(inspectPng(file.fill(0x55, data + 20, data + 40)))).rejects.toThrow(
      undecodable,
    );
  });

  it('of an interlaced bomb is not inflated to its end', async () => {
    const bomb = pngFile({ width: 10, height: 10, interlaced: true, data: Buffer.alloc(256 * MIB) });
    const before = process.memoryUsage.rss();
    const began = performance.now();
    await expect(checkPngData(inspectPng(bomb))).rejects.toThrow(/more pixel data/);
    expect(performance.now() - began).toBeLessThan(1_000);
    expect(process.memoryUsage.rss() - before).toBeLessThan(64 * MIB);
  });
});

it('data after the end is ignored', async () => {
  const file = Buffer.concat([await picture.clone().png().toBuffer(), Buffer.from('PK\x03\x04 and so on')]);
  const header = inspectPng(file);
  await expect(checkPngData(header)).resolves.toBeUndefined();
  expect(header.width).toBe((await sharp(file).metadata()).width);
});
