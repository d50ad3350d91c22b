import { expect, test } from 'vitest';
import { selectorsIn } from './promql.ts';

test('selectors are found without comparisons, windows and offsets, each alternative apart', () => {
  const expr = 'sum(rate(a{b="c"}[5m])) > 1 or absent(d{e=~"f[.]g|h"} == 1) and on () (i offset 2m)';
  expect(selectorsIn(expr)).toEqual(['a{b="c"}', 'd{e=~"f[.]g"}', 'd{e=~"h"}', 'i']);
});

test('alternatives in parentheses are refused', () => {
  expect(() => selectorsIn('a{b=~"c(d|e)"}')).toThrow('too much');
});
