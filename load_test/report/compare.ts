import { UserError } from '@image-pipeline/local/user-error.ts';
import type { Script } from '../result.ts';
import { count } from './format.ts';
import {
  comparedParameters,
  differencesOf,
  differingParts,
  groupRuns,
  type Setting,
  slotsOf,
  type Test,
  valuesOf,
} from './group-runs.ts';
import type { Run } from './measure-run.ts';
import type { ResultFile } from './read-results.ts';
import { type Difference, differenceBetween, median, sum } from './statistics.ts';

/** One setting on both sides. */
export interface Comparison {
  /** The script and setting, and the differences between the sides. */
  readonly title: string;
  /** The metrics of the script that at least one side has. */
  readonly metrics: readonly MetricComparison[];
  /** Notes on the metrics, one line each. */
  readonly notes: readonly string[];
}

interface MetricComparison extends Difference {
  readonly metric: string;
  readonly unit: string;
  /** One value for each repeat that has the metric. */
  readonly a: readonly number[];
  readonly b: readonly number[];
  readonly result: 'better' | 'worse' | 'within the noise' | 'same' | 'noise unknown' | 'not measured';
}

interface Side {
  readonly test: Test;
  readonly setting: Setting;
}

/**
 * Compares the settings that both sides have. Two sides with one setting each are compared even if it differs.
 * @throws UserError if the sides come from different machines or scripts, or have nothing in common
 */
export function compare(a: readonly ResultFile[], b: readonly ResultFile[]): Comparison[] {
  const [sidesA, sidesB] = [sidesOf(a, 'A'), sidesOf(b, 'B')];
  const machines = groupRuns([...a, ...b]).machines.map(({ machine }) => machine.label);
  if (machines.length > 1) {
    throw new UserError(
      `A and B were measured on different machines (${machines.join('; ')}), so their difference says nothing about the pipeline. Compare runs of one machine.`,
    );
  }
  const common = sidesA.flatMap((one) => {
    const other = sidesB.find((candidate) => keyOf(candidate) === keyOf(one));
    return other === undefined ? [] : [compareSettings(one, other)];
  });
  if (common.length > 0) return common;
  const [[onlyA, ...moreA], [onlyB, ...moreB]] = [sidesA, sidesB];
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

function sidesOf(results: readonly ResultFile[], name: string): Side[] {
  const { machines } = groupRuns(results);
  const [only, ...more] = machines;
  if (only === undefined) throw new UserError(`${name} has only warm-up runs. Select measured runs.`);
  if (more.length > 0) {
    throw new UserError(
      `${name} mixes runs of different machines: ${machines.map(({ machine }) => machine.label).join('; ')}. Select runs of one machine.`,
    );
  }
  const settings = only.tests.flatMap((test) => test.settings.map((setting) => ({ test, setting })));
  if (settings.length === 0) {
    throw new UserError(
      `${name} has no complete run: all were interrupted, or have jobs that were lost or could not be read. Select complete runs.`,
    );
  }
  for (const alike of Map.groupBy(settings, keyOf).values()) {
    const differences = differencesOf(alike.map(({ test }) => test.environment));
    if (differences === '') continue;
    throw new UserError(
      `${name} mixes runs that differ in ${differences}, so they are not repeats. Select runs of one of them.`,
    );
  }
  return settings;
}

function keyOf({ test, setting }: Side): string {
  return JSON.stringify([test.script, comparedParameters(test), setting.slots]);
}

function compareSettings(a: Side, b: Side): Comparison {
  const metrics = METRICS[a.test.script].map(({ metric, unit, better, value }) => {
    const [before, after] = [valuesOf(a.setting.runs, value), valuesOf(b.setting.runs, value)];
    const difference = differenceBetween(before, after);
    const improved = better === 'higher' ? difference.difference > 0 : difference.difference < 0;
    return { metric, unit, a: before, b: after, ...difference, result: resultOf(difference, improved) };
  });
  return {
    title: titleOf(a, b),
    metrics: metrics.filter(({ a: before, b: after }) => before.length + after.length > 0),
    notes: notesOf(a, b),
  };
}

function notesOf(a: Side, b: Side): string[] {
  const notes = Object.entries({ A: a, B: b }).flatMap(([name, { test, setting }]) => {
    const omitted = test.incomplete.filter((run) => run.slots === setting.slots).length;
    if (omitted === 0) return [];
    return [
      `${count(omitted, 'run')} of ${name} ${omitted === 1 ? 'is' : 'are'} left out: accepted jobs were lost or could not be read.`,
    ];
  });
  const steps = [...a.setting.runs, ...b.setting.runs].map((run) => run.steps);
  if (steps.some((all) => all.length > 0 && all.every(({ sustained }) => sustained))) {
    notes.push('If the knee was not reached, the highest rate tested is used instead.');
  }
  return notes;
}

function resultOf({ difference, beyondNoise }: Difference, improved: boolean): MetricComparison['result'] {
  if (Number.isNaN(difference)) return 'not measured';
  if (difference === 0) return 'same';
  if (beyondNoise === null) return 'noise unknown';
  if (!beyondNoise) return 'within the noise';
  return improved ? 'better' : 'worse';
}

function titleOf(a: Side, b: Side): string {
  const differing = [...new Set([...Object.keys(a.test.parameters), ...Object.keys(b.test.parameters)])]
    .filter((name) => a.test.parameters[name] !== b.test.parameters[name])
    .map((name) => `${name} ${a.test.parameters[name] ?? 'unset'} → ${b.test.parameters[name] ?? 'unset'}`);
  const environment = differingParts([a.test.environment, b.test.environment]).map(
    ({ name, values }) => `${name} ${values.join(' → ')}`,
  );
  const slots =
    a.setting.slots === b.setting.slots
      ? slotsOf(a.setting)
      : `${slotsOf(a.setting)} → ${slotsOf(b.setting)}`;
  return [a.test.script, slots, ...differing, ...environment].join(', ');
}

/** A metric by which two sides are compared. */
interface Metric {
  readonly metric: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  /** Nullish if the run does not have it. */
  readonly value: (run: Run) => number | null | undefined;
}

/** Units with whole numbers. */
export const COUNTED: ReadonlySet<string> = new Set(['jobs', 'uploads', 'bursts']);

/** Without lost jobs, because runs with lost jobs are not compared. */
const COMMON: readonly Metric[] = [
  { metric: 'throughput', unit: 'jobs/s', better: 'higher', value: (run) => run.throughput },
  { metric: 'p50', unit: 's', better: 'lower', value: (run) => run.timeToResult?.p50 },
  { metric: 'p95', unit: 's', better: 'lower', value: (run) => run.timeToResult?.p95 },
  { metric: 'p99', unit: 's', better: 'lower', value: (run) => run.timeToResult?.p99 },
  { metric: 'failed', unit: 'jobs', better: 'lower', value: (run) => run.counts.failed },
  {
    metric: 'refused',
    unit: 'uploads',
    better: 'lower',
    value: ({ refused }) => sum(Object.values(refused)),
  },
];
const METRICS: Readonly<Record<Script, readonly Metric[]>> = {
  bulk_upload: COMMON,
  burst_test: [
    ...COMMON,
    { metric: 'recovery', unit: 's', better: 'lower', value: medianRecovery },
    {
      metric: 'not recovered',
      unit: 'bursts',
      better: 'lower',
      value: ({ recoveries }) => recoveries.filter(({ seconds }) => seconds === null).length,
    },
  ],
  capacity_test: [
    ...COMMON,
    {
      metric: 'knee',
      unit: 'uploads/s',
      better: 'higher',
      // A run whose first step was not sustained counts as 0, because omitting it would hide that.
      value: ({ knee, steps }) => knee?.rate ?? (steps.length > 0 ? 0 : null),
    },
    {
      metric: 'dropped',
      unit: 'uploads',
      better: 'lower',
      value: ({ steps }) => sum(steps.map(({ dropped }) => dropped)),
    },
  ],
};

function medianRecovery({ recoveries }: Run): number | null {
  const recovered = recoveries.flatMap(({ seconds }) => seconds ?? []);
  return recovered.length === 0 ? null : median(recovered);
}
