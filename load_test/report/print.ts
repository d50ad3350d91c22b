import { stripVTControlCharacters, styleText } from 'node:util';
import { table } from '@image-pipeline/local/terminal/table.ts';
import { wrap } from '@image-pipeline/local/terminal/wrap.ts';
import { type Comparison, COUNTED } from './compare.ts';
import type { Analysis, Conclusion } from './conclude.ts';
import { count, digits, plain, type RunColumn, runColumns } from './format.ts';
import type { Run } from './measure-run.ts';
import { type Difference, mean, median } from './statistics.ts';

const MARKS = { good: '+', note: '•', problem: '!' } as const;
const COLOURS = { good: 'green', note: 'cyan', problem: 'red' } as const;

/** The table of all runs and the conclusions of each test, for a terminal of this width. */
export function analysisLines({ machines, notices }: Analysis, columns: number): string[] {
  const lines: string[] = [];
  const paragraph = (text: string) => lines.push(...wrap(text, columns));
  for (const notice of notices) paragraph(notice);
  for (const { machine, runs, tests } of machines) {
    if (lines.length > 0) lines.push('');
    lines.push(styleText('bold', machine.label));
    lines.push(...runLines(runs, columns));
    for (const { title, parameters, conclusions } of tests) {
      const settings = Object.entries(parameters).map(([name, value]) => `${name}=${value}`);
      lines.push(
        '',
        ...wrap(`${title} ${settings.join(' ')}`, columns).map((line) => styleText('bold', line)),
      );
      for (const conclusion of conclusions) lines.push(...bullet(conclusion, columns));
    }
  }
  return lines;
}

/** Omits the start times if the table is too wide; the rows are in the order of the starts anyway. */
function runLines(runs: readonly Run[], columns: number): string[] {
  const linesOf = (shown: readonly RunColumn[]) =>
    table(
      shown.map(({ title, align }) => ({ title: title.toUpperCase(), align })),
      runs.map((run) => shown.map(({ cell }) => cell(run))),
    );
  const all = linesOf(runColumns);
  const fits = all.every((line) => stripVTControlCharacters(line).length <= columns);
  return fits ? all : linesOf(runColumns.filter(({ title }) => title !== 'started'));
}

/** Replaces the space between a number and its unit while wrapping, which breaks lines even at no-break spaces. */
const GLUE = '\uE000';

function bullet({ tone, text }: Conclusion, columns: number): string[] {
  const bound = text.replace(/(\d) (%|s\b|jobs\/s)/g, `$1${GLUE}$2`);
  const [first = '', ...rest] = wrap(bound, columns - 2).map((line) => line.replaceAll(GLUE, ' '));
  return [`${styleText(COLOURS[tone], MARKS[tone])} ${first}`, ...rest.map((line) => `  ${line}`)];
}

/** One comparison, for a terminal of this width. */
export function comparisonLines({ title, metrics, notes }: Comparison, width: number): string[] {
  const [first] = metrics;
  const [repeatsA, repeatsB] = [first?.a.length ?? 0, first?.b.length ?? 0];
  const rows = metrics.map(({ metric, unit, a, b, difference, margin, ratio, result }) => {
    return [
      `${metric}, ${unit}`,
      spread(a, unit),
      spread(b, unit),
      change({ difference, margin, ratio }, a),
      result,
    ];
  });
  const columns = [
    { title: '' },
    { title: 'A', align: 'right' },
    { title: 'B', align: 'right' },
    { title: 'CHANGE', align: 'right' },
    { title: 'RESULT' },
  ] as const;
  const noise =
    repeatsA < 2 || repeatsB < 2
      ? 'A side has one run, so the noise is unknown: a difference may be due to chance. Run three repeats per side.'
      : 'Median (lowest–highest). ± is the 95 % confidence interval of the change (Welch).';
  return [
    ...wrap(`${title}: A ${count(repeatsA, 'run')}, B ${count(repeatsB, 'run')}`, width),
    ...table(columns, rows),
    ...[noise, ...notes].flatMap((note) => wrap(note, width)),
  ];
}

/** `+12.3 ± 4.5 %` of the mean of A, or in the unit of the metric if that is 0. */
function change(
  { difference, margin, ratio }: Omit<Difference, 'beyondNoise'>,
  a: readonly number[],
): string {
  if (Number.isNaN(difference)) return '–';
  if (difference === 0) return '0';
  const [unit, name] = Number.isNaN(ratio) ? [1, ''] : [mean(a) / 100, ' %'];
  return `${signed(difference / unit)}${margin === null ? '' : ` ± ${digits(margin / unit)}`}${name}`;
}

/** `6.45 (6.31–6.60)`; `–` without a value */
function spread(values: readonly number[], unit: string): string {
  const text = COUNTED.has(unit) ? plain : digits;
  const middle = text(median(values));
  return values.length < 2 ? middle : `${middle} (${text(Math.min(...values))}–${text(Math.max(...values))})`;
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${digits(Math.abs(value))}`;
}

/** The output of `--json`: all metrics, without the timelines of the jobs. */
export function toJson({ machines, notices }: Analysis): unknown {
  return {
    notices,
    machines: machines.map(({ machine, runs, tests }) => ({
      machine,
      runs: runs.map(({ result: _, ...metrics }) => metrics),
      tests: tests.map(({ script, title, parameters, environment, settings, ...test }) => ({
        script,
        title,
        parameters,
        environment,
        settings: settings.map((setting) => ({
          slots: setting.slots,
          layouts: setting.layouts,
          runs: setting.runs.map((run) => run.runId),
        })),
        interrupted: test.interrupted.map((run) => run.runId),
        incomplete: test.incomplete.map((run) => run.runId),
        scaling: test.scaling && {
          points: test.scaling.points.map(({ slots, throughput, speedUp, efficiency }) => ({
            slots,
            throughput,
            speedUp,
            efficiency,
          })),
          usl: test.scaling.usl,
        },
        conclusions: test.conclusions,
      })),
    })),
  };
}
