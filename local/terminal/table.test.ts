import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { table } from './table.ts';

test('cells with control characters stay in their column', () => {
  const columns = [{ title: 'FILE' }, { title: 'STATE' }, { title: 'MS', align: 'right' }] as const;
  const lines = table(columns, [
    ['sample.jpg', 'completed', '7'],
    ['evil\u001b[2J\n.jpg', 'failed\u009b\u202e', '12'],
  ]);
  expect(lines.map((line) => stripVTControlCharacters(line))).toEqual([
    'FILE           STATE      MS',
    'sample.jpg     completed   7',
    'evil\uFFFD[2J .jpg  failed\uFFFD\uFFFD   12',
  ]);
});
