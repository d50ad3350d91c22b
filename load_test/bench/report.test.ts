import { expect, it } from 'vitest';
import { digits, markdownTable, replaceSection } from './report.ts';

it('prints a table whose columns are as wide as their longest cell', () => {
  const section = { columns: ['loop', 'images/s'], rows: [['plain sharp', '45'], ['jimp']] };
  expect(markdownTable(section).split('\n')).toEqual([
    '| loop        | images/s |',
    '| ----------- | -------- |',
    '| plain sharp | 45       |',
    '| jimp        |          |',
  ]);
});

it('replaces one section of the page and leaves the others', () => {
  const page = 'a\n<!-- bench: one -->\nold\n<!-- /bench -->\nb\n<!-- bench: two -->\n<!-- /bench -->\n';
  expect(replaceSection(page, 'one', 'new')).toBe(
    'a\n<!-- bench: one -->\n\nnew\n\n<!-- /bench -->\nb\n<!-- bench: two -->\n<!-- /bench -->\n',
  );
  expect(replaceSection(page, 'two', 'new')).toContain('old');
  expect(() => replaceSection(page, 'three', 'new')).toThrow('no place for "three"');
});

it('prints numbers with three digits at most', () => {
  expect([0.1234, 1.234, 12.34, 123.4, Number.NaN].map(digits)).toEqual(['0.12', '1.23', '12.3', '123', '–']);
});
