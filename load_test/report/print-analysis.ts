import { stripVTControlCharacters, styleText } from 'node:util';
import { table } from '@image-pipeline/local/terminal/table.ts';
import { wrap } from '@image-pipeline/local/terminal/wrap.ts';
import type { Analysis } from './analyse.ts';
import type { Conclusion } from './conclude.ts';
import { printable } from './format.ts';
import type { Run } from './measure-run.ts';
import { runColumns, type RunColumn } from './run-table.ts';

const MARKS = { good: '+', note: '•', problem: '!' } as const;
const COLOURS = { good: 'green', note: 'cyan', problem: 'red' } as const;

/** For a terminal of this many columns: the table of all runs and the conclusions of each test. */
export function analysisLines({ machines, notices }: Analysis, columns: number): string[] {
  const lines: string[] = [];
  const paragraph = (text: string) => lines.push(...wrap(printable(text), columns));
  for (const notice of notices) paragraph(notice);
  for (const { machine, runs, tests } of machines) {
    if (lines.length > 0) lines.push('');
    lines.push(styleText('bold', machine.label));
    lines.push(...runLines(runs, columns));
    for (const { title, parameters, conclusions } of tests) {
      const settings = Object.entries(parameters).map(([name, value]) => `${name}=${value}`);
      lines.push(
        '',
        ...wrap(printable(`${title} ${settings.join(' ')}`), columns).map((line) => styleText('bold', line)),
      );
      for (const conclusion of conclusions) lines.push(...bullet(conclusion, columns));
    }
  }
  return lines;
}

/** When a run started is left out where it does not fit; the order says as much. */
function runLines(runs: readonly Run[], columns: number): string[] {
  const linesOf = (shown: readonly RunColumn[]) =>
    table(
      shown.map(({ title, align }) => ({ title: title.toUpperCase(), align })),
      runs.map(({ measures }) => shown.map(({ cell }) => printable(cell(measures)))),
    );
  const all = linesOf(runColumns);
  const fits = all.every((line) => stripVTControlCharacters(line).length <= columns);
  return fits ? all : linesOf(runColumns.filter(({ title }) => title !== 'started'));
}

/** Stands for the space between a number and its unit: lines are broken at every white space, no-break or not. */
const GLUE = '\uE000';

function bullet({ tone, text }: Conclusion, columns: number): string[] {
  const bound = printable(text).replace(/(\d) (%|s\b|jobs\/s)/g, `$1${GLUE}$2`);
  const [first = '', ...rest] = wrap(bound, columns - 2).map((line) => line.replaceAll(GLUE, ' '));
  return [`${styleText(COLOURS[tone], MARKS[tone])} ${first}`, ...rest.map((line) => `  ${line}`)];
}
