import { expect, it } from 'vitest';
import { fitEnd, wrap } from './text.ts';

it.each([
  ['breaks between words', 'one two three', 7, ['one two', 'three']],
  ['keeps a number with its unit', 'in 12 345 jobs', 12, ['in', '12 345 jobs']],
  ['cuts a word that is longer than a line', 'a bcdefgh', 3, ['a', 'bcd', 'efg', 'h']],
  ['has at least one line', '', 3, ['']],
])('%s', (_behaviour, text, width, lines) => {
  expect(wrap(text, width)).toEqual(lines);
});

it('cuts a name at its beginning', () => {
  expect(fitEnd('worker-host-17', 8)).toBe('…host-17');
  expect(fitEnd('worker-1', 10)).toBe('worker-1  ');
});
