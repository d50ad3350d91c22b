import { expect, it } from 'vitest';
import { asSharp } from '../bitmap.ts';
import { exifBlock, ORIENTATION } from '../testing/exif-block.ts';
import { cornersPicture } from '../testing/pixels.ts';
import { anmf, vp8lHead, vp8x, webpFile } from '../testing/webp-file.ts';
import { inspectWebp } from './inspect-webp.ts';

const picture = asSharp(cornersPicture({ width: 91, height: 60 }));
const undecodable = expect.objectContaining({ code: 'undecodable_image' }) as unknown;

it.each([
  ['lossy', picture.clone().removeAlpha().webp()],
  ['lossless', picture.clone().webp({ lossless: true })],
  ['extended', picture.clone().ensureAlpha(0.5).webp()],
] as const)('gives the size of a %s image', async (_, encoded) => {
  expect(inspectWebp(await encoded.toBuffer())).toMatchObject({
    width: 91,
    height: 60,
    orientation: 1,
  });
});

it('gives the orientation', () => {
  const file = webpFile([
    ['VP8X', vp8x(9, 7)],
    ['VP8L', vp8lHead(9, 7)],
    ['EXIF', exifBlock([{ tag: ORIENTATION, value: 5 }])],
  ]);
  expect(inspectWebp(file)).toMatchObject({ orientation: 5 });
});

it('an animation has the size of its canvas', () => {
  const frame = ['ANMF', anmf(20, 10, vp8lHead(20, 10))] as const;
  const file = webpFile([['VP8X', vp8x(30, 20, 2)], ['ANIM', Buffer.alloc(6)], frame, frame, frame, frame]);
  expect(inspectWebp(file)).toMatchObject({ width: 30, height: 20 });
});

it('a canvas may have any size: the limits are checked later', () => {
  const file = webpFile([
    ['VP8X', vp8x(2 ** 24, 2 ** 24, 2)],
    ['ANMF', anmf(1, 1, vp8lHead(1, 1))],
  ]);
  expect(inspectWebp(file)).toMatchObject({ width: 2 ** 24, height: 2 ** 24 });
});

it.each([
  [
    'two sizes',
    webpFile([
      ['VP8X', vp8x(9, 7)],
      ['VP8L', vp8lHead(900, 700)],
    ]),
  ],
  [
    'a frame larger than it claims',
    webpFile([
      ['VP8X', vp8x(9, 7, 2)],
      ['ANMF', anmf(9, 7, vp8lHead(9000, 7000))],
    ]),
  ],
  ['no image', webpFile([['VP8X', vp8x(9, 7)]])],
  ['a wrong bitstream', webpFile([['VP8 ', Buffer.alloc(20)]])],
  ['no width', webpFile([['VP8 ', Buffer.from([0, 0, 0, 0x9d, 0x01, 0x2a, 0, 0, 5, 0])]])],
  ['another signature', Buffer.alloc(40)],
])('a WebP with %s is rejected', (_, file) => {
  expect(() => inspectWebp(file)).toThrow(undecodable);
});

it('a truncated file is rejected', async () => {
  const file = await picture.clone().webp().toBuffer();
  for (const length of [file.length - 2, file.length / 2, 30, 20, 12]) {
    expect(() => inspectWebp(file.subarray(0, length))).toThrow();
  }
});

it('data after the end is ignored', async () => {
  const file = await picture.clone().webp().toBuffer();
  expect(inspectWebp(Buffer.concat([file, Buffer.from('ANMF and so on')]))).toEqual(inspectWebp(file));
});
