import { expect, it } from 'vitest';
import { parsePrintable, printable } from './printable.ts';

it.each([
  ['an escape sequence', 'a\u001b]0;title\u0007b\u001b[31mc', 'a\uFFFD]0;title\uFFFDb\uFFFD[31mc'],
  ['a C1 control sequence', 'a\u009b2Jb', 'a\uFFFD2Jb'],
  ['a backspace, a delete and a null', 'a\bb\u007fc\0d', 'a\uFFFDb\uFFFDc\uFFFDd'],
  ['a right-to-left override', 'gpj\u202egnp.exe\u2066', 'gpj\uFFFDgnp.exe\uFFFD'],
  ['line breaks and tabs', 'a\r\nb\tc\u2028d', 'a b c d'],
  ['no control character', 'Müller 画像 🖼️ “x”', 'Müller 画像 🖼️ “x”'],
])('a text with %s is printable', (_what, given, expected) => {
  expect(printable(given)).toBe(expected);
});

it('a long text is cut', () => {
  expect(printable('x'.repeat(1_000), 10)).toBe('xxxxxxxxxx…');
  expect(printable('xxxxxxxxxx', 10)).toBe('xxxxxxxxxx');
});

it('texts in JSON become printable at every depth', () => {
  const given = { list: ['\u001b[2J', { '\u0007name': '\u202eb' }], number: 1, nothing: null };
  expect(parsePrintable(JSON.stringify(given))).toEqual({
    list: ['\uFFFD[2J', { '\uFFFDname': '\uFFFDb' }],
    number: 1,
    nothing: null,
  });
});
