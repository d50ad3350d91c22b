import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Bitmap } from '../bitmap.ts';
import { makeDrawableCharacters, target } from './make-drawable-characters.ts';
import { createTextRenderer, type DrawText } from './text-renderer.ts';

const request = { fontSize: 40, maxWidth: 2000, align: 'left' } as const;

let drawText: DrawText;
beforeAll(async () => {
  drawText = await createTextRenderer();
});

/** How much of each edge of the white ink's bounding box is white, 0–1: all of it for a box. */
function framing({ data, width, height }: Bitmap): number {
  const isInk = (x: number, y: number) => (data[(y * width + x) * 4] ?? 0) > 128;
  const columns = [...Array(width).keys()].filter((x) => [...Array(height).keys()].some((y) => isInk(x, y)));
  const rows = [...Array(height).keys()].filter((y) => [...Array(width).keys()].some((x) => isInk(x, y)));
  const [left = 0, right = 0, top = 0, bottom = 0] = [columns[0], columns.at(-1), rows[0], rows.at(-1)];
  const share = (inked: boolean[]) => inked.filter(Boolean).length / inked.length;
  return Math.min(
    ...[top, bottom].map((y) => share(columns.map((x) => isInk(x, y)))),
    ...[left, right].map((x) => share(rows.map((y) => isInk(x, y)))),
  );
}

describe('characters are neither blank nor boxes', () => {
  it.each([
    ['Latin', 'Aéß'],
    ['Cyrillic', 'Яжў'],
    ['Greek', 'Ωλά'],
    ['Chinese', '你們图'],
    ['Japanese', 'あカ働'],
    ['Korean', '한국뷁'],
    ['emoji', '😀🚀'],
    ['punctuation', '“…€?'],
    ['symbols', '→✓★☎♥№√∞'],
    ['Arabic', 'عسلؤ'],
    ['Hebrew', 'שלףא'],
    ['Thai', 'กขฮ'],
    ['Tamil', 'தமிஅ'],
    ['Bengali', 'বাংঅ'],
    ['Devanagari', 'हिअक'],
    ['Telugu', 'తెఅ'],
    ['Kannada', 'ಕಅ'],
    ['Malayalam', 'മഅ'],
    ['Gujarati', 'ગઅ'],
    ['Gurmukhi', 'ਪਅ'],
    ['Oriya', 'ଓଅ'],
    ['Sinhala', 'සඅ'],
    ['Georgian', 'ქაᲐ'],
    ['Armenian', 'Հայ'],
    ['Ethiopic', 'አማሀ'],
    ['Khmer', 'ខក'],
    ['Lao', 'ລກ'],
    ['Burmese', 'မက'],
    ['Vietnamese', 'ệữ'],
  ])('%s', async (_, text) => {
    for (const character of text) {
      const drawn = await drawText({ ...request, text: character });
      expect(drawn.data.some((value, i) => i % 4 === 0 && value > 200)).toBe(true);
      expect(framing(drawn), character).toBeLessThan(0.8);
    }
  });
});

it.each([
  ['Ugaritic', 'ab\u{10380}', '"\u{10380}" (U+10380)'],
  ['Cherokee', 'ᏣᎳᎩ ᏣᎳᎩ', '"Ꮳ" (U+13E3), "Ꮃ" (U+13B3), "Ꭹ" (U+13A9).'],
  ['private use', 'a\ue123', '(U+E123)'],
  ['a noncharacter', 'a\ufffeb', '(U+FFFE)'],
  ['an unassigned character', 'a\u{e0fff}\u0378', '(U+0378)'],
  ['nothing visible', ' \u200b\u00ad\n', 'has no visible character'],
])('a text that no font can draw is rejected: %s', async (_, text, message) => {
  const failure = { code: 'processing_failed', message: expect.stringContaining(message) as unknown };
  await expect(drawText({ ...request, text })).rejects.toMatchObject(failure);
});

it('every character of the contract has a glyph, and no other has', async () => {
  expect(await readFile(target, 'utf8')).toBe(await makeDrawableCharacters());
});

describe('scripts are shaped', () => {
  const width = async (text: string) => (await drawText({ ...request, text })).width;
  const widths = async (text: string) => {
    const each = await Promise.all(Array.from(text, width));
    return each.reduce((sum, one) => sum + one, 0);
  };
  /** How many parts the text has that are side by side. */
  const inkedRuns = async (text: string) => {
    const drawn = await drawText({ ...request, text });
    const columns = [...Array(drawn.width).keys()].map((x) =>
      [...Array(drawn.height).keys()].some((y) => (drawn.data[(y * drawn.width + x) * 4] ?? 0) > 128),
    );
    return columns.filter((isInked, x) => isInked && columns[x - 1] !== true).length;
  };
  /** Where the highest ink is, from 0 (left) to 1 (right). */
  const peak = async (text: string) => {
    const drawn = await drawText({ ...request, text });
    const at = drawn.data.findIndex((value, i) => i % 4 === 0 && value > 128) / 4;
    return (at % drawn.width) / drawn.width;
  };

  it.each(['क्ष', 'ക്ഷ'])('%s is narrower than its letters', async (text) => {
    expect(await width(text)).toBeLessThan(0.8 * (await widths(text)));
  });
  it('with joined letters', async () => {
    const joined = 'محمد';
    expect(await inkedRuns(joined)).toBe(1);
    expect(await inkedRuns(Array.from(joined).join('\u200c'))).toBeGreaterThan(1);
  });
  it('from right to left', async () => {
    expect(await peak('אל')).toBeLessThan(0.5);
    expect(await peak('לא')).toBeGreaterThan(0.5);
    expect(await peak('ab')).toBeGreaterThan(0.5);
  });
  it('and composed', async () => {
    const [composed, decomposed] = ['한é', '한é'.normalize('NFD')];
    expect((await drawText({ ...request, text: decomposed })).data).toEqual(
      (await drawText({ ...request, text: composed })).data,
    );
  });
});

it('a word that is broken gets no hyphen', async () => {
  const { data, width } = await drawText({ ...request, text: 'l'.repeat(100), maxWidth: 300 });
  let longest = 0;
  for (let i = 0, run = 0; i < data.length; i += 4) {
    run = (data[i] ?? 0) > 200 && i % (width * 4) !== 0 ? run + 1 : 0;
    longest = Math.max(longest, run);
  }
  expect(longest).toBeLessThan(8); // the stem of an l; a hyphen would be longer
});

it('markup is drawn as text', async () => {
  const plain = await drawText({ ...request, text: 'bold' });
  const marked = await drawText({ ...request, text: '<b>bold</b> & "more"' });
  expect(marked.width).toBeGreaterThan(plain.width * 2);
  await expect(drawText({ ...request, text: '</span><span size="900000">' })).resolves.toBeDefined();
});

it.each([
  'a\u0000b',
  'a\u001bb',
  'a\ud800b',
  '\u202eabc',
  'a\u00adb',
  '👩\u200d👧',
  '❤\ufe0f',
  'a\u2028b',
  'a\u3164',
])('%j can be drawn', async (text) => {
  await expect(drawText({ ...request, text })).resolves.toBeDefined();
});

it('long texts are broken into lines, also within words and in texts without spaces', async () => {
  for (const text of ['one two three four five six seven', 'x'.repeat(60), '漢字'.repeat(30)]) {
    const { width, height } = await drawText({ ...request, text, maxWidth: 300 });
    expect(width).toBeLessThanOrEqual(300);
    expect(height).toBeGreaterThan(90);
  }
});

it('the same text is drawn once', async () => {
  const text = 'cached';
  expect(await drawText({ ...request, text })).toBe(await drawText({ ...request, text }));
  expect(await drawText({ ...request, text, fontSize: 41 })).not.toBe(await drawText({ ...request, text }));
});
