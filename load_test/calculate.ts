import type { JobRecord, LoadTestResult } from './result.ts';

/*
 * What follows from the timelines of the jobs. Both k6 and Node run this file, so that a run's own summary and the
 * report show the same numbers; it imports nothing at run time.
 */

export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly mean: number;
}

/** The value below which this share (0 to 1) of the values is; NaN where there are none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Null where there are no values. */
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

/** Completed jobs a second, from the first upload to the last result; 0 where none completed. */
export function throughput(jobs: readonly JobRecord[]): number {
  const { completed } = countJobs(jobs);
  const span = makespan(jobs);
  return span > 0 ? completed / span : 0;
}

/** Seconds from the first upload to the last result; 0 where nothing has ended. */
export function makespan(jobs: readonly JobRecord[]): number {
  const first = Math.min(...jobs.map(({ queued_at }) => Date.parse(queued_at)));
  const last = Math.max(
    ...jobs.map(({ ended_at }) => (ended_at === null ? -Infinity : Date.parse(ended_at))),
  );
  return Number.isFinite(first) && Number.isFinite(last) ? Math.max(0, (last - first) / 1_000) : 0;
}

/** How many jobs were waiting for a worker, and how many were in progress, from this moment on. */
export interface Depth {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly waiting: number;
  readonly processing: number;
}

/** One entry each time that a number changes, in order of time. */
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

/** What a burst did to the queue. */
export interface Recovery {
  readonly number: number;
  readonly size: number;
  /** Jobs waiting when the burst was sent. */
  readonly before: number;
  /** The most that waited until it had recovered. */
  readonly peak: number;
  /** Seconds from the burst until the queue was back at its level before it; null where it never was. */
  readonly seconds: number | null;
}

export function recoveries({ bursts, jobs }: Pick<LoadTestResult, 'bursts' | 'jobs'>): Recovery[] {
  const depths = depthOverTime(jobs);
  return bursts.map(({ number, size, at }) => {
    const sentAt = Date.parse(at);
    const before = [...depths].reverse().find((depth) => depth.at < sentAt)?.waiting ?? 0;
    // The queue of a burst is only down again when the last image of the burst has arrived.
    const arrived = Math.max(
      sentAt,
      ...jobs.filter(({ group }) => group === number).map(({ queued_at }) => Date.parse(queued_at)),
    );
    const recovered = depths.find((depth) => depth.at >= arrived && depth.waiting <= before);
    const until = recovered?.at ?? Infinity;
    const peak = Math.max(
      before,
      ...depths.filter((depth) => depth.at >= sentAt && depth.at <= until).map(({ waiting }) => waiting),
    );
    return { number, size, before, peak, seconds: recovered ? (recovered.at - sentAt) / 1_000 : null };
  });
}

/** What one step of a capacity test came to. */
export interface StepOutcome {
  readonly number: number;
  /** Uploads a second that were asked for. */
  readonly rate: number;
  readonly seconds: number;
  readonly accepted: number;
  readonly dropped: number;
  /** Results a second while the step lasted, whichever step they belong to. */
  readonly throughput: number;
  /** Seconds from upload to result of the step's own jobs; null where none completed. */
  readonly times: Percentiles | null;
  /** Results came as fast as uploads were asked for. */
  readonly sustained: boolean;
}

/** Results a second may be this share of the rate, because the last ones come after the step. */
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

/** The last step that was sustained before the first that was not; undefined where even the first was not. */
export function kneeOf(outcomes: readonly StepOutcome[]): StepOutcome | undefined {
  const first = outcomes.findIndex(({ sustained }) => !sustained);
  return first === -1 ? outcomes[outcomes.length - 1] : outcomes[first - 1];
}

function secondsBetween(from: string, to: string): number {
  return Math.max(0, (Date.parse(to) - Date.parse(from)) / 1_000);
}
