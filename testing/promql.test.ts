import { expect, test } from 'vitest';
import { selectorsIn } from './promql.ts';

test('selectors are found without comparisons, windows and offsets, one per alternative', () => {
  const expr = 'sum(rate(a{b="c"}[5m])) > 1 or absent(d{e=~"f[.]g|h"} == 1) and on () (i offset 2m)';
  expect(selectorsIn(expr)).toEqual(['a{b="c"}', 'd{e=~"f[.]g"}', 'd{e=~"h"}', 'i']);
});

test('alternatives in parentheses are not supported', () => {
  expect(() => selectorsIn('a{b=~"c(d|e)"}')).toThrow('not supported');
});
