import { describe, expect, it } from 'vitest';
import { asSharp } from '../bitmap.ts';
import { exifBlock, ORIENTATION } from '../testing/exif-block.ts';
import { jpegSegments, withMoreScans, withSegment } from '../testing/jpeg-file.ts';
import { cornersPicture } from '../testing/pixels.ts';
import { inspectJpeg } from './inspect-jpeg.ts';

const picture = asSharp(cornersPicture({ width: 90, height: 60 }));
const jpeg = await picture.clone().jpeg().toBuffer();
const progressive = await picture.clone().jpeg({ progressive: true }).toBuffer();
const undecodable = expect.objectContaining({ code: 'undecodable_image' }) as unknown;

/** With other bytes in the frame header: 0 precision, 1–2 height, 3–4 width, 5 components. */
function withFrameBytes(at: number, ...bytes: number[]): Buffer {
  const file = Buffer.from(jpeg);
  const [frame] = jpegSegments(file, 0xc0);
  frame?.set(bytes, 4 + at);
  return file;
}

it('gives size, scans and orientation', () => {
  expect(inspectJpeg(jpeg)).toMatchObject({
    width: 90,
    height: 60,
    scans: 1,
    orientation: 1,
  });
  expect(inspectJpeg(progressive).scans).toBeGreaterThan(5);
});

it('the first of two EXIF blocks counts', () => {
  const exif = (value: number) =>
    Buffer.concat([Buffer.from('Exif\0\0'), exifBlock([{ tag: ORIENTATION, value }])]);
  expect(inspectJpeg(withSegment(withSegment(jpeg, 0xe1, exif(3)), 0xe1, exif(8))).orientation).toBe(8);
});

it('restart markers and fill bytes are not mistaken for others', () => {
  const [scan] = jpegSegments(jpeg, 0xda);
  const middle = jpeg.indexOf(scan ?? '') + 40;
  const file = Buffer.concat([
    jpeg.subarray(0, middle),
    Buffer.from([0xff, 0xd0, 0x12, 0xff, 0x00, 0xff, 0xff, 0xd7]),
    jpeg.subarray(middle),
  ]);
  expect(inspectJpeg(file).scans).toBe(1);
});

it('hundreds of scans are counted', () => {
  expect(inspectJpeg(withMoreScans(progressive, 500)).scans).toBeGreaterThan(500);
});

describe('a truncated file is rejected', () => {
  it.each([0.2, 0.5, 0.8, 0.99])('after %f of its bytes', (part) => {
    expect(() => inspectJpeg(jpeg.subarray(0, Math.floor(jpeg.length * part)))).toThrow();
    expect(() => inspectJpeg(progressive.subarray(0, Math.floor(progressive.length * part)))).toThrow();
  });

  it('before its end marker, though a preview inside has one', () => {
    const preview = Buffer.concat([Buffer.from('Exif\0\0'), exifBlock([]), jpeg]);
    const file = withSegment(jpeg, 0xe1, preview);
    expect(() => inspectJpeg(file.subarray(0, -2))).toThrow(undecodable);
  });
});

it.each([
  ['no height', withFrameBytes(1, 0, 0)],
  ['no width', withFrameBytes(3, 0, 0)],
  ['12 bits a sample', withFrameBytes(0, 12)],
  ['2 components', withFrameBytes(5, 2)],
  ['no signature', Buffer.alloc(64)],
  ['no pixel data', Buffer.from([0xff, 0xd8, 0xff, 0xd9])],
  ['a segment shorter than its length', Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 1, 0xff, 0xd9])],
  ['a segment longer than the file', Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0xff, 0xff, 0xff, 0xd9])],
  ['two frames', withSegment(jpeg, 0xc0, jpegSegments(jpeg, 0xc0)[0]?.subarray(4) ?? Buffer.alloc(0))],
])('a JPEG with %s is rejected', (_, file) => {
  expect(() => inspectJpeg(file)).toThrow(undecodable);
});

it.each([
  [0xc5, 'hierarchical JPEG is not supported'],
  [0xcb, 'lossless arithmetic-coded JPEG is not supported'],
])('a JPEG with the marker %i is rejected by its name', (marker, message) => {
  const file = Buffer.from(jpeg);
  file.writeUInt8(marker, file.indexOf(Buffer.from([0xff, 0xc0])) + 1);
  expect(() => inspectJpeg(file)).toThrow(message);
});

it('what does not change the picture is left out', () => {
  const picture = inspectJpeg(jpeg).picture;
  expect(picture.equals(jpeg)).toBe(true);
  const preview = Buffer.concat([Buffer.from('Exif\0\0'), exifBlock([]), jpeg]);
  const file = [0xe1, 0xe2, 0xe3, 0xed, 0xef, 0xfe].reduce<Buffer>(
    (whole, marker) => withSegment(whole, marker, preview),
    jpeg,
  );
  expect(inspectJpeg(Buffer.concat([file, preview])).picture.equals(picture)).toBe(true);
});

it('what does is kept', () => {
  const file = withSegment(
    withSegment(jpeg, 0xee, Buffer.from('Adobe')),
    0xe2,
    Buffer.from('ICC_PROFILE\0\x01\x01'),
  );
  expect(inspectJpeg(file).picture.equals(file)).toBe(true);
});

describe('any number of segments is read in no time', () => {
  const many = (bytes: readonly number[], count: number) =>
    Buffer.concat(Array<Buffer>(count).fill(Buffer.from(bytes)));
  it.each([
    ['comments', many([0xff, 0xfe, 0, 2], 2_600_000)],
    ['metadata', many([0xff, 0xe5, 0, 3, 7], 2_000_000)],
    ['fill bytes', Buffer.alloc(10_000_000, 0xff)],
    ['restart markers', many([0xff, 0xd0], 5_000_000)],
    ['stuffed zeros', many([0xff, 0], 5_000_000)],
  ])('%s', (_, bytes) => {
    const file = Buffer.concat([jpeg.subarray(0, 2), bytes, jpeg.subarray(2)]);
    const began = performance.now();
    expect(inspectJpeg(file)).toMatchObject({ width: 90, height: 60 });
    expect(performance.now() - began).toBeLessThan(4_000);
  });
});

it('data after the end is ignored', () => {
  const trailing = Buffer.concat([jpeg, Buffer.from('%PDF-1.7 and so on'), jpeg.subarray(0, 100)]);
  expect(inspectJpeg(trailing)).toEqual(inspectJpeg(jpeg));
});
