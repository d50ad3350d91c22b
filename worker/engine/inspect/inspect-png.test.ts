import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { asSharp } from '../bitmap.ts';
import { exifBlock, ORIENTATION } from '../testing/exif-block.ts';
import { cornersPicture } from '../testing/pixels.ts';
import { damagedPngChunk, integers, pngChunk, pngFile, row } from '../testing/png-file.ts';
import { checkPngData } from './check-png-data.ts';
import { inspectPng } from './inspect-png.ts';

const MIB = 1024 * 1024;
const picture = asSharp(cornersPicture({ width: 33, height: 21 }));
const greyRows = (rows: number) => Buffer.alloc(rows * 11); // of 10 px and a filter byte
const grey = (...before: Buffer[]) =>
  pngFile({ width: 10, height: 3, colourType: 0, data: greyRows(3), before });
function flipped(file: Buffer, at: number): Buffer {
  const copy = Buffer.from(file);
  copy.writeUInt8(copy.readUInt8(at) ^ 1, at);
  return copy;
}
const COLOURS = Buffer.from([255, 0, 0, 0, 0, 255]);
const palette = (...before: Buffer[]) =>
  pngFile({ width: 10, height: 3, colourType: 3, data: greyRows(3), before });
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
    ['a second header', grey(pngChunk('IHDR', Buffer.alloc(13)))],
    ['an unknown critical chunk', grey(pngChunk('ABCD'))],
    ['a chunk without a type', grey(pngChunk('\0\0\0\0'))],
    ['a palette image without a palette', palette()],
    ['two palettes', palette(pngChunk('PLTE', COLOURS), pngChunk('PLTE', COLOURS))],
    ['a palette that ends within a colour', palette(pngChunk('PLTE', COLOURS.subarray(1)))],
    ['a palette of 257 colours', palette(pngChunk('PLTE', Buffer.alloc(257 * 3)))],
    ['a damaged palette', palette(damagedPngChunk('PLTE', COLOURS))],
    ['a damaged header', flipped(grey(), 32)],
    ['damaged pixel data', flipped(grey(), grey().length - 13)],
  ])('with %s is rejected', (_, file) => {
    expect(() => inspectPng(file)).toThrow(undecodable);
  });

  it('without pixel data behind it is rejected', async () => {
    const file = await picture.clone().png().toBuffer();
    for (const length of [40, 20, 9]) expect(() => inspectPng(file.subarray(0, length))).toThrow();
  });
});

describe('after its last pixel a file may', () => {
  const accepted = (file: Buffer) => expect(checkPngData(inspectPng(file))).resolves.toBeUndefined();
  const whole = grey();
  const IEND = 12;

  it.each([1, IEND, IEND + 1, IEND + 4, IEND + 5, IEND + 8])('end %i bytes early', async (missing) => {
    await accepted(whole.subarray(0, -missing));
  });
  it('end within the last pixel, which is rejected', async () => {
    await expect(checkPngData(inspectPng(whole.subarray(0, -IEND - 11)))).rejects.toThrow(undecodable);
  });
  it.each([
    ['other bytes', Buffer.from('PK\x03\x04 and so on')],
    ['the head of a chunk', pngChunk('tEXt', Buffer.alloc(99)).subarray(0, 20)],
    ['a damaged chunk', damagedPngChunk('tEXt', Buffer.alloc(9))],
    ['a damaged critical chunk', damagedPngChunk('PLTE', Buffer.alloc(9))],
    ['an unknown critical chunk', pngChunk('ABCD')],
    ['more pixel data', Buffer.concat([pngChunk('tEXt'), pngChunk('IDAT', Buffer.alloc(9))])],
  ])('have %s', async (_, trailing) => {
    await accepted(Buffer.concat([whole.subarray(0, -IEND), trailing]));
  });
  it('say its orientation', () => {
    const exif = pngChunk('eXIf', exifBlock([{ tag: ORIENTATION, value: 6 }]));
    expect(inspectPng(Buffer.concat([whole.subarray(0, -IEND), exif])).orientation).toBe(6);
  });
});

describe('any number of chunks is read in no time', () => {
  const size = { width: 300, height: 300, colourType: 0 };
  const whole = pngFile({ ...size, data: Buffer.alloc(300 * 301) });
  const [head, data] = [whole.subarray(0, 33), whole.subarray(41, -16)];
  const stored = [...deflateSync(Buffer.alloc(300 * 301), { level: 0 })];
  const many = (chunk: Buffer, count: number) => Buffer.concat(Array<Buffer>(count).fill(chunk));
  it.each([
    ['empty pixel data', Buffer.concat([many(pngChunk('IDAT'), 850_000), pngChunk('IDAT', data)])],
    [
      'pixel data in single bytes',
      Buffer.concat(stored.map((byte) => pngChunk('IDAT', Buffer.from([byte])))),
    ],
    ['texts', Buffer.concat([many(pngChunk('tEXt', Buffer.from('a\0b')), 500_000), pngChunk('IDAT', data)])],
    ['chunks at the end', Buffer.concat([pngChunk('IDAT', data), many(pngChunk('eXIf'), 800_000)])],
  ])('%s', async (_, chunks) => {
    const file = Buffer.concat([head, chunks]);
    const began = performance.now();
    const image = inspectPng(file);
    await checkPngData(image);
    expect(performance.now() - began).toBeLessThan(3_000);
    expect(image.picture.length).toBeLessThan(stored.length + 100);
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

  it.each([
    ['damaged', (data: Buffer) => data.fill(0x55, 4, 8)],
    ['followed by a wrong checksum', (data: Buffer) => flipped(data, data.length - 1)],
  ])('that is %s is rejected', async (_, damage) => {
    const file = grey();
    const data = damage(Buffer.from(file.subarray(41, -16)));
    const image = inspectPng(Buffer.concat([file.subarray(0, 33), pngChunk('IDAT', data), pngChunk('IEND')]));
    await expect(checkPngData(image)).rejects.toThrow(undecodable);
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

describe('an iCCP chunk', () => {
  const iccp = (profile: Buffer) =>
    pngChunk('iCCP', Buffer.concat([Buffer.from('a\0\0'), deflateSync(profile)]));
  const gamma = pngChunk('gAMA', integers(100_000));
  /** The head of a profile for RGB. */
  function profile(changes: Readonly<Record<number, string>> = {}, declared = 200): Buffer {
    const bytes = Buffer.alloc(200);
    bytes.writeUInt32BE(declared, 0);
    const texts = { 16: 'RGB ', 20: 'XYZ ', 36: 'acsp', ...changes };
    for (const [at, text] of Object.entries(texts)) bytes.write(text, Number(at), 'latin1');
    return bytes;
  }

  it('with a profile counts before gAMA', () => {
    expect(inspectPng(row({}, Buffer.alloc(3), gamma, iccp(profile()))).colourSpace).toBe('profile');
    const grey = row({ colourType: 0 }, Buffer.alloc(1), gamma, iccp(profile({ 16: 'GRAY' })));
    expect(inspectPng(grey).colourSpace).toBe('profile');
  });

  it.each([
    ['of zeros', iccp(Buffer.alloc(500))],
    ['that is too short', iccp(profile().subarray(0, 100))],
    ['of another length than it declares', iccp(profile({}, 300))],
    ['without signature', iccp(profile({ 36: 'none' }))],
    ['for grey in an RGB image', iccp(profile({ 16: 'GRAY' }))],
    ['for CMYK', iccp(profile({ 16: 'CMYK' }))],
    ['between device colours', iccp(profile({ 20: 'RGB ' }))],
    ['that does not inflate', pngChunk('iCCP', Buffer.from('a\0\0garbage'))],
    ['that inflates without end', iccp(Buffer.alloc(45_000_000))],
    ['without a name', pngChunk('iCCP', Buffer.concat([Buffer.from('\0\0'), deflateSync(profile())]))],
    [
      'of an unknown compression',
      pngChunk('iCCP', Buffer.concat([Buffer.from('a\0\u0001'), deflateSync(profile())])),
    ],
  ])('with a profile %s does not hide gAMA', (_, chunk) => {
    const { colourSpace } = inspectPng(row({}, Buffer.alloc(3), gamma, chunk));
    expect(colourSpace).toMatchObject({ primaries: undefined });
  });
});
