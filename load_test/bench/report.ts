import { readFile, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { percentile } from '../calculate.ts';

export const PAGE = join(import.meta.dirname, '../../docs/performance.md');

/** What a part of the benchmark found. */
export interface Section {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A table in Markdown, aligned so that it can be read in a terminal, too. */
export function markdownTable({ columns, rows }: Section): string {
  const widths = columns.map((title, column) =>
    Math.max(3, title.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: readonly string[], fill = ' ') =>
    `| ${widths.map((width, column) => (cells[column] ?? '').padEnd(width, fill)).join(' | ')} |`;
  return [line(columns), line([], '-'), ...rows.map((row) => line(row))].join('\n');
}

/**
 * Replaces what is between `<!-- bench: NAME -->` and `<!-- /bench -->` of a page.
 * @throws Error if the page has no such place
 */
export function replaceSection(page: string, name: string, text: string): string {
  const start = `<!-- bench: ${name} -->`;
  const from = page.indexOf(start);
  const to = page.indexOf('<!-- /bench -->', from);
  if (from === -1 || to === -1) throw new Error(`docs/performance.md has no place for "${name}"`);
  return `${page.slice(0, from + start.length)}\n\n${text}\n\n${page.slice(to)}`;
}

export async function writeSection(name: string, section: Section, seconds: number): Promise<void> {
  const stamp = `${new Date().toISOString().slice(0, 10)}, ${describeMachine()}, ${Math.round(seconds)} s.`;
  const page = await readFile(PAGE, 'utf8');
  await writeFile(PAGE, replaceSection(page, name, `${stamp}\n\n${markdownTable(section)}`));
}

export function describeMachine(): string {
  const processor = cpus()[0]?.model.trim().replaceAll(/\s+/g, ' ') ?? 'unknown processor';
  const memory = Math.round(totalmem() / 1024 ** 3);
  return `${cpus().length} cores (${processor}), ${memory} GiB, Node.js ${process.versions.node}`;
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** With as many digits as the size of the number deserves: `0.123`, `1.23`, `12.3`, `123`. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
}
