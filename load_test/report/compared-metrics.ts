import type { Script } from '../result.ts';
import type { Measures, Run } from './measure-run.ts';
import { median } from './statistics.ts';

/** A number of a run that two sides are compared by. */
export interface Metric {
  readonly metric: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  /** Null where the run has none. */
  readonly value: (run: Run) => number | null;
}

/** Units of whole numbers. */
export const COUNTED: ReadonlySet<string> = new Set(['jobs', 'uploads', 'bursts']);

/** Lost jobs are missing: a run that lost jobs is not compared. */
export function metricsOf(script: Script): readonly Metric[] {
  return { bulk_upload: common, burst_test: [...common, ...burst], capacity_test: [...common, ...capacity] }[
    script
  ];
}

const lower = (metric: string, unit: string, value: (measures: Measures) => number | null): Metric => ({
  metric,
  unit,
  better: 'lower',
  value: ({ measures }) => value(measures),
});
const higher = (...of: Parameters<typeof lower>): Metric => ({ ...lower(...of), better: 'higher' });

const common = [
  higher('throughput', 'jobs/s', ({ throughput }) => throughput),
  lower('p50', 's', ({ timeToResult }) => timeToResult?.p50 ?? null),
  lower('p95', 's', ({ timeToResult }) => timeToResult?.p95 ?? null),
  lower('p99', 's', ({ timeToResult }) => timeToResult?.p99 ?? null),
  lower('failed', 'jobs', ({ counts }) => counts.failed),
  lower('refused', 'uploads', ({ refused }) => sum(Object.values(refused))),
];

const burst = [
  lower('recovery', 's', ({ recoveries }) =>
    medianOrNull(recoveries.flatMap(({ seconds }) => seconds ?? [])),
  ),
  lower(
    'not recovered',
    'bursts',
    ({ recoveries }) => recoveries.filter(({ seconds }) => seconds === null).length,
  ),
];

const capacity = [
  // Where even the first step was not sustained, leaving the run out would hide it.
  higher('knee', 'uploads/s', ({ knee, steps }) => knee?.rate ?? (steps.length > 0 ? 0 : null)),
  lower('dropped', 'uploads', ({ steps }) => sum(steps.map(({ dropped }) => dropped))),
];

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function medianOrNull(values: readonly number[]): number | null {
  return values.length === 0 ? null : median(values);
}
