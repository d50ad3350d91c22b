import { expect, it } from 'vitest';
import { parsePrintable, printable } from './printable.ts';

it.each([
  ['an escape sequence', 'a\u001b]0;title\u0007b\u001b[31mc', 'a]0;titleb[31mc'],
  ['a C1 control sequence', 'a\u009b2Jb', 'a2Jb'],
  ['a backspace, a delete and a null', 'a\bb\u007fc\0d', 'abcd'],
  ['a right-to-left override', 'gpj\u202egnp.exe\u2066', 'gpjgnp.exe'],
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
  const given = { list: ['\u001b[2J', { name: '\u202eb' }], number: 1, nothing: null };
  expect(parsePrintable(JSON.stringify(given))).toEqual({
    list: ['[2J', { name: 'b' }],
    number: 1,
    nothing: null,
  });
});
