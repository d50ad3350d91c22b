import { table } from '@image-pipeline/local/terminal/table.ts';
import { wrap } from '@image-pipeline/local/terminal/wrap.ts';
import { UserError } from '@image-pipeline/local/user-error.ts';
import { count, digits, plain, printable } from './format.ts';
import { comparedParameters, groupRuns, slotsOf, valuesOf, type Setting, type Test } from './group-runs.ts';
import type { Run } from './measure-run.ts';
import type { ResultFile } from './read-results.ts';
import { differenceBetween, mean, median, type Difference } from './statistics.ts';

/** One setting on both sides. */
export interface Comparison {
  /** What was tested, and what differs between the sides. */
  readonly title: string;
  readonly metrics: readonly MetricComparison[];
}

export interface MetricComparison extends Difference {
  readonly metric: string;
  readonly unit: string;
  /** One value for each repeat. */
  readonly a: readonly number[];
  readonly b: readonly number[];
  readonly verdict: 'better' | 'worse' | 'within the noise' | 'same' | 'noise unknown';
}

interface Metric {
  readonly metric: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  readonly value: (run: Run) => number | null | undefined;
}

const METRICS: readonly Metric[] = [
  { metric: 'throughput', unit: 'jobs/s', better: 'higher', value: ({ measures }) => measures.throughput },
  { metric: 'p50', unit: 's', better: 'lower', value: ({ measures }) => measures.timeToResult?.p50 },
  { metric: 'p95', unit: 's', better: 'lower', value: ({ measures }) => measures.timeToResult?.p95 },
  { metric: 'p99', unit: 's', better: 'lower', value: ({ measures }) => measures.timeToResult?.p99 },
  { metric: 'failed', unit: 'jobs', better: 'lower', value: ({ measures }) => measures.counts.failed },
];

interface Side {
  readonly test: Test;
  readonly setting: Setting;
}

/**
 * Compares the settings that both sides have. Two sides with one setting each are compared even where it differs.
 * @throws UserError if the sides come from different machines or scripts, or have nothing in common
 */
export function compare(a: readonly ResultFile[], b: readonly ResultFile[]): Comparison[] {
  const [sidesA, sidesB] = [sidesOf(a, 'A'), sidesOf(b, 'B')];
  const [machineA, machineB] = [sidesA.machine, sidesB.machine];
  if (machineA !== machineB) {
    throw new UserError(
      `A and B were measured on different machines (${machineA}; ${machineB}), so their difference says nothing about the pipeline. Compare runs of one machine.`,
    );
  }
  const common = sidesA.settings.flatMap((one) => {
    const other = sidesB.settings.find((candidate) => keyOf(candidate) === keyOf(one));
    return other === undefined ? [] : [compareSettings(one, other)];
  });
  if (common.length > 0) return common;
  const [[onlyA, ...moreA], [onlyB, ...moreB]] = [sidesA.settings, sidesB.settings];
  if (onlyA === undefined || onlyB === undefined || moreA.length + moreB.length > 0) {
    throw new UserError(
      'A and B have no setting in common: no test with the same parameters and slots is in both.',
    );
  }
  if (onlyA.test.script !== onlyB.test.script) {
    throw new UserError(
      `A is a ${onlyA.test.script} and B a ${onlyB.test.script}. Compare runs of the same script.`,
    );
  }
  return [compareSettings(onlyA, onlyB)];
}

function sidesOf(results: readonly ResultFile[], name: string): { machine: string; settings: Side[] } {
  const { machines } = groupRuns(results);
  const [only, ...more] = machines;
  if (only === undefined) throw new UserError(`${name} has only warm-up runs. Name runs that count.`);
  if (more.length > 0) {
    throw new UserError(
      `${name} mixes runs of different machines: ${machines.map(({ machine }) => machine.label).join('; ')}. Name runs of one machine.`,
    );
  }
  const settings = only.tests.flatMap((test) => test.settings.map((setting) => ({ test, setting })));
  if (settings.length === 0) throw new UserError(`${name} has only interrupted runs. Name complete ones.`);
  return { machine: only.machine.label, settings };
}

function keyOf({ test, setting }: Side): string {
  return JSON.stringify([test.script, comparedParameters(test), setting.slots]);
}

function compareSettings(a: Side, b: Side): Comparison {
  return {
    title: titleOf(a, b),
    metrics: METRICS.map(({ metric, unit, better, value }) => {
      const [before, after] = [valuesOf(a.setting.runs, value), valuesOf(b.setting.runs, value)];
      const difference = differenceBetween(before, after);
      const improved = better === 'higher' ? difference.difference > 0 : difference.difference < 0;
      return { metric, unit, a: before, b: after, ...difference, verdict: verdictOf(difference, improved) };
    }),
  };
}

function verdictOf({ difference, beyondNoise }: Difference, improved: boolean): MetricComparison['verdict'] {
  if (difference === 0) return 'same';
  if (beyondNoise === null) return 'noise unknown';
  if (!beyondNoise) return 'within the noise';
  return improved ? 'better' : 'worse';
}

function titleOf(a: Side, b: Side): string {
  const differing = [...new Set([...Object.keys(a.test.parameters), ...Object.keys(b.test.parameters)])]
    .filter((name) => a.test.parameters[name] !== b.test.parameters[name])
    .map((name) => `${name} ${a.test.parameters[name] ?? 'unset'} → ${b.test.parameters[name] ?? 'unset'}`);
  const slots =
    a.setting.slots === b.setting.slots
      ? slotsOf(a.setting)
      : `${slotsOf(a.setting)} → ${slotsOf(b.setting)}`;
  return printable([a.test.script, slots, ...differing].join(', '));
}

/** For a terminal of this many columns. */
export function comparisonLines({ title, metrics }: Comparison, width: number): string[] {
  const [first] = metrics;
  const [repeatsA, repeatsB] = [first?.a.length ?? 0, first?.b.length ?? 0];
  const rows = metrics.map(({ metric, unit, a, b, difference, margin, ratio, verdict }) => {
    const unitOfChange = Number.isNaN(ratio) ? 1 : mean(a) / 100;
    const noise = margin === null ? '' : ` ± ${digits(margin / unitOfChange)}`;
    return [
      `${metric}, ${unit}`,
      spread(a, unit),
      spread(b, unit),
      difference === 0
        ? '0'
        : `${signed(difference / unitOfChange)}${noise}${Number.isNaN(ratio) ? '' : ' %'}`,
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
      ? 'A side has one run, so the noise is unknown: a difference may be chance. Three repeats a side show it.'
      : 'Median (lowest–highest). ± is the 95 % confidence interval of the change (Welch).';
  return [
    ...wrap(`${title}: A ${count(repeatsA, 'run')}, B ${count(repeatsB, 'run')}`, width),
    ...table(columns, rows),
    ...wrap(noise, width),
  ];
}

/** `6.45 (6.31–6.60)` */
function spread(values: readonly number[], unit: string): string {
  const text = unit === 'jobs' ? plain : digits;
  const middle = text(median(values));
  return values.length < 2 ? middle : `${middle} (${text(Math.min(...values))}–${text(Math.max(...values))})`;
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${digits(Math.abs(value))}`;
}
