import { expect, it } from 'vitest';
import { exifBlock, ORIENTATION } from '../testing/exif-block.ts';
import { exifOrientation } from './exif-orientation.ts';

it.each([1, 2, 3, 4, 5, 6, 7, 8])('orientation %i is read in both byte orders', (value) => {
  const tags = [
    { tag: 0x010f, value: 7 },
    { tag: ORIENTATION, value },
  ];
  expect(exifOrientation(exifBlock(tags))).toBe(value);
  expect(exifOrientation(exifBlock(tags, { bigEndian: true }))).toBe(value);
});

it('skips the prefix of the block in a JPEG', () => {
  const block = Buffer.concat([Buffer.from('Exif\0\0'), exifBlock([{ tag: ORIENTATION, value: 6 }])]);
  expect(exifOrientation(block)).toBe(6);
});

it.each([
  ['no orientation', exifBlock([{ tag: 0x010f, value: 6 }])],
  ['an orientation that does not exist', exifBlock([{ tag: ORIENTATION, value: 9 }])],
  ['an orientation of the wrong type', exifBlock([{ tag: ORIENTATION, value: 6, type: 4 }])],
  ['no bytes', Buffer.alloc(0)],
  ['no byte order', Buffer.alloc(64)],
  ['a directory beyond its end', exifBlock([{ tag: ORIENTATION, value: 6 }]).fill(0xff, 4, 8)],
])('a block with %s counts as upright', (_, block) => {
  expect(exifOrientation(block)).toBe(1);
});

it('a directory that refers to itself is read once', () => {
  expect(exifOrientation(exifBlock([{ tag: 0x8769, value: 8, type: 4 }], { next: 8 }))).toBe(1);
});

it('a directory with more entries than bytes ends with the bytes', () => {
  expect(exifOrientation(exifBlock([{ tag: ORIENTATION, value: 3 }], { entries: 65_535 }))).toBe(3);
  expect(exifOrientation(exifBlock([{ tag: 0x010f, value: 3 }], { entries: 65_535 }))).toBe(1);
});
