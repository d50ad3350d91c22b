import {
  countJobs,
  depthOverTime,
  firstUpload,
  type JobCounts,
  kneeOf,
  makespan,
  type Percentiles,
  percentilesOf,
  recoveries,
  type Recovery,
  type StepOutcome,
  stepOutcomes,
  throughput,
  timesToResult,
} from '../calculate.ts';
import type { LoadTestResult, Script } from '../result.ts';
import type { ResultFile } from './read-results.ts';
import { mean, sum } from './statistics.ts';

/** One run: its result and the metrics calculated from it. */
export interface Run extends ResultFile {
  readonly runId: string;
  readonly script: Script;
  readonly startedAt: string;
  readonly stopped: LoadTestResult['stopped'];
  readonly experiment: string | null;
  readonly repeat: number | null;
  readonly workers: number;
  /** Jobs that all workers can process at once; null: unknown. */
  readonly slots: number | null;
  /** `3 × 1`: workers × slots of each. */
  readonly layout: string;
  readonly uploads: { readonly sent: number; readonly accepted: number };
  /** By error code. */
  readonly refused: Readonly<Record<string, number>>;
  readonly jobs: number;
  readonly counts: JobCounts;
  readonly lost: number;
  /** Accepted jobs whose status could not be read. */
  readonly unread: number;
  /** Failed jobs by error code. */
  readonly failures: Readonly<Record<string, number>>;
  /** Jobs that needed more than one attempt. */
  readonly retried: number;
  /** Completed jobs per second. */
  readonly throughput: number;
  /** Seconds from the first upload to the last result. */
  readonly makespan: number;
  /** Seconds from upload to result. */
  readonly timeToResult: Percentiles | null;
  /** Mean seconds that a worker spent on the last attempt of a job; null if no job ended. */
  readonly processing: number | null;
  /** Share of all slots' time between first upload and last result that was busy; null without slots. */
  readonly utilisation: number | null;
  readonly recoveries: readonly Recovery[];
  readonly steps: readonly StepOutcome[];
  readonly knee: StepOutcome | null;
  /** Null if no job ended. */
  readonly littlesLaw: LittlesLaw | null;
}

export function measureRun({ file, result }: ResultFile): Run {
  const { jobs, workers, experiment } = result;
  const slots = slotsOf(result);
  const processing = jobs.flatMap(({ started_at, ended_at }) =>
    started_at === null || ended_at === null ? [] : [(Date.parse(ended_at) - Date.parse(started_at)) / 1_000],
  );
  const span = makespan(jobs);
  const busy = sum(processing);
  const steps = stepOutcomes(result);
  const names = new Set(jobs.flatMap(({ worker }) => (worker === null ? [] : [worker])));
  return {
    file,
    result,
    runId: result.run_id,
    script: result.script,
    startedAt: result.started_at,
    stopped: result.stopped,
    experiment: experiment?.name ?? null,
    repeat: experiment?.repeat ?? null,
    workers: workers.length > 0 ? workers.length : names.size,
    slots,
    layout: layoutOf(result, slots, names.size),
    uploads: { sent: result.uploads.sent, accepted: result.uploads.accepted },
    refused: result.uploads.refused,
    jobs: jobs.length,
    counts: countJobs(jobs),
    lost: result.lost,
    unread: result.unread ?? 0,
    failures: Object.fromEntries(
      totalsByCode(
        jobs.flatMap(({ state, error }) => (state === 'failed' ? [{ [error ?? 'unknown']: 1 }] : [])),
      ),
    ),
    retried: jobs.filter(({ attempts }) => attempts > 1).length,
    throughput: throughput(jobs),
    makespan: span,
    timeToResult: percentilesOf(timesToResult(jobs)),
    processing: processing.length === 0 ? null : mean(processing),
    utilisation: slots === null || slots === 0 || span === 0 ? null : Math.min(1, busy / (slots * span)),
    recoveries: recoveries(result),
    steps,
    knee: kneeOf(steps) ?? null,
    littlesLaw: checkLittlesLaw(result),
  };
}

/** The sum of the workers' slots if all are known, or else the maximum in the samples of monitoring. */
function slotsOf({ workers, samples }: LoadTestResult): number | null {
  if (workers.length > 0 && workers.every(({ slots }) => slots !== null)) {
    return sum(workers.map(({ slots }) => slots ?? 0));
  }
  const sampled = samples.reduce((most, sample) => Math.max(most, sample.slots), 0);
  return sampled > 0 ? sampled : null;
}

function layoutOf({ workers }: LoadTestResult, slots: number | null, workerNames: number): string {
  const each = [...new Set(workers.map((worker) => worker.slots))];
  const [only] = each;
  if (each.length === 1 && only !== null && only !== undefined) return `${workers.length} × ${only}`;
  return `${workers.length > 0 ? workers.length : workerNames} × ${slots === null ? '?' : 'various'}`;
}

/** The sums of counts by code, the highest first. */
export function totalsByCode(counts: readonly Readonly<Record<string, number>>[]): [string, number][] {
  const totals = new Map<string, number>();
  for (const [code, number] of counts.flatMap((one) => Object.entries(one))) {
    if (number > 0) totals.set(code, (totals.get(code) ?? 0) + number);
  }
  return [...totals].sort(([, one], [, other]) => other - one);
}

/**
 * Little's law, L = λW, between the first upload and the last result of a run (J. D. C. Little, Operations Research 9,
 * 1961). `inSystem` and `expected` come from the same timelines and are equal when every job has ended, so they check
 * the timelines and the arithmetic. `sampled` is an independent measurement.
 */
export interface LittlesLaw {
  /** L: mean number of jobs in the system, waiting or in progress, weighted by time. */
  readonly inSystem: number;
  /** λ: ended jobs per second. */
  readonly rate: number;
  /** W: mean seconds from upload to end. */
  readonly seconds: number;
  /** λW */
  readonly expected: number;
  /** L as the mean of monitoring's samples; null with fewer than five samples. */
  readonly sampled: number | null;
  readonly samples: number;
}

const MIN_SAMPLES = 5;

/** Null if no job has ended. */
export function checkLittlesLaw({
  jobs,
  samples,
}: Pick<LoadTestResult, 'jobs' | 'samples'>): LittlesLaw | null {
  const ended = jobs.flatMap(({ queued_at, ended_at }) =>
    ended_at === null ? [] : [{ from: Date.parse(queued_at), to: Date.parse(ended_at) }],
  );
  const start = firstUpload(jobs);
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
      inWindow.length < MIN_SAMPLES
        ? null
        : mean(inWindow.map(({ queued, processing, retrying }) => queued + processing + retrying)),
    samples: inWindow.length,
  };
}
