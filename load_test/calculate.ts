import type { JobRecord, LoadTestResult } from './result.ts';

/*
 * Metrics of the timelines of jobs. Both k6 and Node run this file, so that the summary of a run and the report show the
 * same numbers; it has no imports at run time. A run can have more jobs than a function call may have arguments, so nothing
 * here spreads them.
 */

export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly mean: number;
}

/** The value below which this share (0 to 1) of the values lies; NaN without values. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Null without values. */
export function percentilesOf(values: readonly number[]): Percentiles | null {
  if (values.length === 0) return null;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    p50: percentile(values, 0.5),
    p95: percentile(values, 0.95),
    p99: percentile(values, 0.99),
    mean,
  };
}

/** Seconds from the upload to the result of each job that completed. */
export function timesToResult(jobs: readonly JobRecord[]): number[] {
  return jobs.flatMap(({ state, queued_at, ended_at }) =>
    state !== 'completed' || ended_at === null ? [] : [secondsBetween(queued_at, ended_at)],
  );
}

export interface JobCounts {
  readonly completed: number;
  readonly failed: number;
  /** Neither. */
  readonly open: number;
}

export function countJobs(jobs: readonly JobRecord[]): JobCounts {
  const completed = jobs.filter(({ state }) => state === 'completed').length;
  const failed = jobs.filter(({ state }) => state === 'failed').length;
  return { completed, failed, open: jobs.length - completed - failed };
}

/** Completed jobs per second, from the first upload to the last result; 0 if none completed. */
export function throughput(jobs: readonly JobRecord[]): number {
  const { completed } = countJobs(jobs);
  const span = makespan(jobs);
  return span > 0 ? completed / span : 0;
}

/** When the first job was queued, in milliseconds since 1970; Infinity without jobs. */
export function firstUpload(jobs: readonly JobRecord[]): number {
  return jobs.reduce((first, { queued_at }) => Math.min(first, Date.parse(queued_at)), Infinity);
}

/** Seconds from the first upload to the last result; 0 if no job has ended. */
export function makespan(jobs: readonly JobRecord[]): number {
  const first = firstUpload(jobs);
  const last = jobs.reduce(
    (most, { ended_at }) => (ended_at === null ? most : Math.max(most, Date.parse(ended_at))),
    -Infinity,
  );
  return Number.isFinite(first) && Number.isFinite(last) ? Math.max(0, (last - first) / 1_000) : 0;
}

/** The numbers of jobs waiting for a worker and in progress, from this time on. */
export interface Depth {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly waiting: number;
  readonly processing: number;
}

/** One entry per change, in order of time. */
export function depthOverTime(jobs: readonly JobRecord[]): Depth[] {
  const changes: { at: number; waiting: number; processing: number }[] = [];
  for (const { queued_at, started_at, ended_at } of jobs) {
    changes.push({ at: Date.parse(queued_at), waiting: 1, processing: 0 });
    if (started_at !== null) changes.push({ at: Date.parse(started_at), waiting: -1, processing: 1 });
    if (ended_at !== null) {
      const started = started_at !== null;
      changes.push({ at: Date.parse(ended_at), waiting: started ? 0 : -1, processing: started ? -1 : 0 });
    }
  }
  changes.sort((one, other) => one.at - other.at);
  const depths: Depth[] = [];
  let [waiting, processing] = [0, 0];
  for (const change of changes) {
    waiting += change.waiting;
    processing += change.processing;
    if (depths[depths.length - 1]?.at === change.at) depths.pop();
    depths.push({ at: change.at, waiting, processing });
  }
  return depths;
}

/** The effect of a burst on the queue. */
export interface Recovery {
  readonly number: number;
  readonly size: number;
  /** Accepted images. If there are none, `peak` is 0 and `seconds` null. */
  readonly accepted: number;
  /** Jobs waiting when the burst was sent. */
  readonly before: number;
  /** Highest number of waiting jobs until the recovery. */
  readonly peak: number;
  /** Seconds from the burst until the queue was back at its level before it; null if it never was. */
  readonly seconds: number | null;
}

export function recoveries({ bursts, jobs }: Pick<LoadTestResult, 'bursts' | 'jobs'>): Recovery[] {
  const depths = depthOverTime(jobs);
  return bursts.map(({ number, size, at }) => {
    const sentAt = Date.parse(at);
    const before = [...depths].reverse().find((depth) => depth.at < sentAt)?.waiting ?? 0;
    const own = jobs.filter(({ group }) => group === number);
    const accepted = own.length;
    if (accepted === 0) return { number, size, accepted, before, peak: 0, seconds: null };
    // A recovery can only start after the last image of the burst has arrived.
    const arrived = own.reduce((last, { queued_at }) => Math.max(last, Date.parse(queued_at)), sentAt);
    const recovered = depths.find((depth) => depth.at >= arrived && depth.waiting <= before);
    const until = recovered?.at ?? Infinity;
    const peak = depths.reduce(
      (most, depth) => (depth.at >= sentAt && depth.at <= until ? Math.max(most, depth.waiting) : most),
      before,
    );
    return {
      number,
      size,
      accepted,
      before,
      peak,
      seconds: recovered ? (recovered.at - sentAt) / 1_000 : null,
    };
  });
}

/** The outcome of one step of a capacity test. */
export interface StepOutcome {
  readonly number: number;
  /** Target of the step, in uploads per second. */
  readonly rate: number;
  readonly seconds: number;
  readonly accepted: number;
  readonly dropped: number;
  /** Results per second during the step, including those of earlier steps. */
  readonly throughput: number;
  /** Seconds from upload to result of the step's own jobs; null if none completed. */
  readonly times: Percentiles | null;
  /** Results kept up with the target rate, and no upload was dropped. */
  readonly sustained: boolean;
}

/** A step is sustained if results reach this share of its rate: its last results arrive after it ends. */
export const SUSTAINED_SHARE = 0.9;

export function stepOutcomes({
  steps,
  jobs,
  started_at,
}: Pick<LoadTestResult, 'steps' | 'jobs' | 'started_at'>): StepOutcome[] {
  let begin = Date.parse(started_at);
  return steps.map(({ number, rate, seconds, dropped }) => {
    const [from, to] = [begin, begin + seconds * 1_000];
    begin = to;
    const own = jobs.filter(({ group }) => group === number);
    const results = jobs.filter(({ state, ended_at }) => {
      const at = ended_at === null ? Number.NaN : Date.parse(ended_at);
      return state === 'completed' && at >= from && at < to;
    });
    const perSecond = results.length / seconds;
    return {
      number,
      rate,
      seconds,
      accepted: own.length,
      dropped,
      throughput: perSecond,
      times: percentilesOf(timesToResult(own)),
      sustained: dropped === 0 && perSecond >= rate * SUSTAINED_SHARE,
    };
  });
}

/** The last step that was sustained before the first that was not; undefined if the first was not. */
export function kneeOf(outcomes: readonly StepOutcome[]): StepOutcome | undefined {
  const first = outcomes.findIndex(({ sustained }) => !sustained);
  return first === -1 ? outcomes[outcomes.length - 1] : outcomes[first - 1];
}

function secondsBetween(from: string, to: string): number {
  return Math.max(0, (Date.parse(to) - Date.parse(from)) / 1_000);
}
