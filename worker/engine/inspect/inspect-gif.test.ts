import { describe, expect, it } from 'vitest';
import { gifFile } from '../testing/gif-file.ts';
import { inspectGif } from './inspect-gif.ts';

const undecodable = expect.objectContaining({ code: 'undecodable_image' }) as unknown;
const screen = { width: 10, height: 8 };

it('gives the size of the screen', () => {
  const file = gifFile(screen, [
    { width: 10, height: 8 },
    { width: 2, height: 3 },
  ]);
  expect(inspectGif(file)).toMatchObject({ width: 10, height: 8 });
});

it('a first frame larger than the screen counts as the size', () => {
  const file = gifFile({ width: 1, height: 1 }, [{ x: 3, y: 4, width: 30, height: 40 }]);
  expect(inspectGif(file)).toMatchObject({ width: 33, height: 44 });
});

it('later frames do not count: neither their size nor their number', () => {
  const huge = { width: 65_535, height: 65_535 };
  const none = { width: 0, height: 0 };
  const later = [huge, none, ...Array.from({ length: 1_000 }, () => screen)];
  expect(inspectGif(gifFile(screen, [screen, ...later]))).toEqual(inspectGif(gifFile(screen, [screen])));
});

it('an endless chain of sub-blocks ends with the file', () => {
  const endless = gifFile(screen, [{ ...screen, data: [2, ...Array.from({ length: 50 }, () => 1)] }]);
  expect(() => inspectGif(endless)).toThrow(undecodable);
});

describe('damage after the first frame is ignored', () => {
  const whole = gifFile(screen, [screen, screen]);
  it.each([1, 2, 5, 10, 14])('%i bytes are missing', (missing) => {
    expect(inspectGif(whole.subarray(0, -missing))).toMatchObject(screen);
  });
  it('garbage follows', () => {
    expect(inspectGif(Buffer.concat([whole, Buffer.alloc(50, 0x2c)]))).toEqual(inspectGif(whole));
  });
});

it.each([
  ['no frame', gifFile(screen, [])],
  ['a frame without width', gifFile(screen, [{ width: 0, height: 5 }])],
  ['a truncated first frame', gifFile(screen, [screen]).subarray(0, -4)],
  ['another signature', Buffer.from('GIF88a and so on, and so on')],
  ['nothing but a signature and a screen', gifFile(screen, [screen]).subarray(0, 13)],
])('a GIF with %s is rejected', (_, file) => {
  expect(() => inspectGif(file)).toThrow(undecodable);
});
