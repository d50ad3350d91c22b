import { describe, expect, it } from 'vitest';
import { displayName, renamed } from './display-name.ts';

describe('a display name', () => {
  it.each([
    ['Мой кот 猫 👩‍👩‍👧.jpg', 'Мой кот 猫 👩‍👩‍👧.jpg'],
    ['a\u0000b\r\nc\u007f.png', 'abc.png'],
    ['photo\u202egpj\u200e.exe', 'photogpj.exe'],
    ['\ud800lonely.png', '\ufffdlonely.png'],
    ['  ', 'image'],
    ['', 'image'],
  ])('of %j is %j', (given, shown) => {
    expect(displayName(given)).toBe(shown);
  });

  it('has at most 255 bytes, and whole characters', () => {
    expect(displayName('я'.repeat(200))).toBe('я'.repeat(127));
  });

  it.each([
    ['photo.png', '', 'webp', 'photo.webp'],
    ['archive.tar.png', '-thumbnail', 'jpg', 'archive.tar-thumbnail.jpg'],
    ['.hidden', '', 'png', '.hidden.png'],
    ['plain', '', 'png', 'plain.png'],
  ])('%s becomes, with "%s" and %s, %s', (name, suffix, extension, expected) => {
    expect(renamed(name, suffix, extension)).toBe(expected);
  });

  it('keeps its extension when it is truncated', () => {
    const name = renamed('я'.repeat(127), '-thumbnail', 'jpg');
    expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
    expect(name).toMatch(/я-thumbnail\.jpg$/);
  });
});
