import { beforeAll, describe, expect, it } from 'vitest';
import type { Bitmap } from '../bitmap.ts';
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
  ])('%s', async (_, text) => {
    for (const character of text) {
      const drawn = await drawText({ ...request, text: character });
      expect(drawn.data.some((value, i) => i % 4 === 0 && value > 200)).toBe(true);
      expect(framing(drawn), character).toBeLessThan(0.8);
    }
  });

  it('unless no font has them, which this test detects', async () => {
    for (const character of ['\u{10380}', 'ع']) {
      expect(framing(await drawText({ ...request, text: character }))).toBeGreaterThan(0.8);
    }
  });
});

it('markup is drawn as text', async () => {
  const plain = await drawText({ ...request, text: 'bold' });
  const marked = await drawText({ ...request, text: '<b>bold</b> & "more"' });
  expect(marked.width).toBeGreaterThan(plain.width * 2);
  await expect(drawText({ ...request, text: '</span><span size="900000">' })).resolves.toBeDefined();
});

it.each(['a\u0000b', 'a\u001bb', 'a\ud800b', 'a\ufffeb', '\u202eabc'])('%j can be drawn', async (text) => {
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
