import { depthOverTime } from '../calculate.ts';
import type { LoadTestResult } from '../result.ts';
import { mean } from './statistics.ts';

/**
 * Little's law, L = λW, between the first upload and the last result of a run (J. D. C. Little, Operations Research 9,
 * 1961). `inSystem` and `expected` come from the same timelines and are equal when every job has ended, so they check
 * the timelines and the arithmetic. `sampled` is an independent measurement.
 */
export interface LittlesLaw {
  /** L: mean number of jobs in the system, waiting or in progress, by the time that each number lasted. */
  readonly inSystem: number;
  /** λ: jobs that ended, a second. */
  readonly rate: number;
  /** W: mean seconds from upload to end. */
  readonly seconds: number;
  /** λW */
  readonly expected: number;
  /** L as the mean of monitoring's samples; null with fewer than five. */
  readonly sampled: number | null;
  readonly samples: number;
}

const FEWEST_SAMPLES = 5;

/** Null where no job has ended. */
export function checkLittlesLaw({
  jobs,
  samples,
}: Pick<LoadTestResult, 'jobs' | 'samples'>): LittlesLaw | null {
  const ended = jobs.flatMap(({ queued_at, ended_at }) =>
    ended_at === null ? [] : [{ from: Date.parse(queued_at), to: Date.parse(ended_at) }],
  );
  const start = jobs.reduce((first, { queued_at }) => Math.min(first, Date.parse(queued_at)), Infinity);
  const end = ended.reduce((last, { to }) => Math.max(last, to), -Infinity);
  const span = (end - start) / 1_000;
  if (!(span > 0) || !Number.isFinite(span)) return null;

  let area = 0;
  const depths = depthOverTime(jobs).filter(({ at }) => at <= end);
  for (const [i, { at, waiting, processing }] of depths.entries()) {
    area += ((waiting + processing) * ((depths[i + 1]?.at ?? end) - at)) / 1_000;
  }
  const inWindow = samples.filter(({ at }) => Date.parse(at) >= start && Date.parse(at) <= end);
  const rate = ended.length / span;
  const seconds = mean(ended.map(({ from, to }) => (to - from) / 1_000));
  return {
    inSystem: area / span,
    rate,
    seconds,
    expected: rate * seconds,
    sampled:
      inWindow.length < FEWEST_SAMPLES
        ? null
        : mean(inWindow.map(({ queued, processing, retrying }) => queued + processing + retrying)),
    samples: inWindow.length,
  };
}
