import { table } from '@image-pipeline/local/terminal/table.ts';
import { wrap } from '@image-pipeline/local/terminal/wrap.ts';
import type { Comparison } from './compare.ts';
import { COUNTED } from './compared-metrics.ts';
import { count, digits, plain } from './format.ts';
import { mean, median, type Difference } from './statistics.ts';

/** For a terminal of this many columns. */
export function comparisonLines({ title, metrics, notes }: Comparison, width: number): string[] {
  const [first] = metrics;
  const [repeatsA, repeatsB] = [first?.a.length ?? 0, first?.b.length ?? 0];
  const rows = metrics.map(({ metric, unit, a, b, difference, margin, ratio, verdict }) => {
    return [
      `${metric}, ${unit}`,
      spread(a, unit),
      spread(b, unit),
      change({ difference, margin, ratio }, a),
      verdict,
    ];
  });
  const columns = [
    { title: '' },
    { title: 'A', align: 'right' },
    { title: 'B', align: 'right' },
    { title: 'CHANGE', align: 'right' },
    { title: 'VERDICT' },
  ] as const;
  const noise =
    repeatsA < 2 || repeatsB < 2
      ? 'A side has one run, so the noise is unknown: a difference may be chance. Run three repeats per side.'
      : 'Median (lowest–highest). ± is the 95 % confidence interval of the change (Welch).';
  return [
    ...wrap(`${title}: A ${count(repeatsA, 'run')}, B ${count(repeatsB, 'run')}`, width),
    ...table(columns, rows),
    ...[noise, ...notes].flatMap((note) => wrap(note, width)),
  ];
}

/** `+12.3 ± 4.5 %` of the mean of A, or in the unit of the metric where that is 0. */
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
