import { UserError } from '@image-pipeline/local/user-error.ts';
import { metricsOf } from './compared-metrics.ts';
import { differingParts } from './environment.ts';
import { count, list, printable } from './format.ts';
import { comparedParameters, groupRuns, slotsOf, valuesOf, type Setting, type Test } from './group-runs.ts';
import type { ResultFile } from './read-results.ts';
import { differenceBetween, type Difference } from './statistics.ts';

/** One setting on both sides. */
export interface Comparison {
  /** What was tested, and what differs between the sides. */
  readonly title: string;
  /** Those of the script that at least one side has. */
  readonly metrics: readonly MetricComparison[];
  /** What must be known to read the metrics, one line each. */
  readonly notes: readonly string[];
}

export interface MetricComparison extends Difference {
  readonly metric: string;
  readonly unit: string;
  /** One value for each repeat that has one. */
  readonly a: readonly number[];
  readonly b: readonly number[];
  readonly verdict: 'better' | 'worse' | 'within the noise' | 'same' | 'noise unknown' | 'not measured';
}

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
  if (only === undefined) throw new UserError(`${name} has only warm-up runs. Name runs that count.`);
  if (more.length > 0) {
    throw new UserError(
      `${name} mixes runs of different machines: ${machines.map(({ machine }) => machine.label).join('; ')}. Name runs of one machine.`,
    );
  }
  const settings = only.tests.flatMap((test) => test.settings.map((setting) => ({ test, setting })));
  if (settings.length === 0) {
    throw new UserError(
      `${name} has no complete run: all were interrupted, or have jobs that were lost or could not be read. Name complete runs.`,
    );
  }
  for (const alike of Map.groupBy(settings, keyOf).values()) {
    const parts = differingParts(alike.map(({ test }) => test.environment));
    if (parts.length === 0) continue;
    const differences = parts.map((part) => `${part.name} ${list([...new Set(part.values)])}`);
    throw new UserError(
      printable(
        `${name} mixes runs that differ in ${differences.join('; ')}, so they are not repeats. Name runs of one of them.`,
      ),
    );
  }
  return settings;
}

function keyOf({ test, setting }: Side): string {
  return JSON.stringify([test.script, comparedParameters(test), setting.slots]);
}

function compareSettings(a: Side, b: Side): Comparison {
  const metrics = metricsOf(a.test.script).map(({ metric, unit, better, value }) => {
    const [before, after] = [valuesOf(a.setting.runs, value), valuesOf(b.setting.runs, value)];
    const difference = differenceBetween(before, after);
    const improved = better === 'higher' ? difference.difference > 0 : difference.difference < 0;
    return { metric, unit, a: before, b: after, ...difference, verdict: verdictOf(difference, improved) };
  });
  return {
    title: titleOf(a, b),
    metrics: metrics.filter(({ a: before, b: after }) => before.length + after.length > 0),
    notes: notesOf(a, b),
  };
}

function notesOf(a: Side, b: Side): string[] {
  const notes = (
    [
      ['A', a],
      ['B', b],
    ] as const
  ).flatMap(([name, { test, setting }]) => {
    const omitted = test.incomplete.filter(({ measures }) => measures.slots === setting.slots).length;
    if (omitted === 0) return [];
    return [
      `${count(omitted, 'run')} of ${name} ${omitted === 1 ? 'is' : 'are'} left out: accepted jobs were lost or could not be read.`,
    ];
  });
  const steps = [...a.setting.runs, ...b.setting.runs].map(({ measures }) => measures.steps);
  if (steps.some((all) => all.length > 0 && all.every(({ sustained }) => sustained))) {
    notes.push('Where the knee was not reached, the highest rate that was tested stands for it.');
  }
  return notes;
}

function verdictOf({ difference, beyondNoise }: Difference, improved: boolean): MetricComparison['verdict'] {
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
  return printable([a.test.script, slots, ...differing, ...environment].join(', '));
}
