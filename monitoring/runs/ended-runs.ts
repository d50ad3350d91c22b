import type {
  LatencyStage,
  Snapshot,
  latencyStages,
  Percentiles,
} from '@image-pipeline/shared/contracts/snapshot.ts';
import type { JobRequest } from '@image-pipeline/shared/contracts/job.ts';
import type { Outcome } from '@image-pipeline/shared/contracts/outcome.ts';

/** An ended run, as metrics need it. */
export interface EndedRun {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Of a failed run. */
  readonly errorCode: string | undefined;
  /** Seconds in each stage, of a completed run. */
  readonly seconds: Readonly<Partial<Record<LatencyStage, number>>>;
}

/**
 * Times in milliseconds since 1970.
 * @param at the time at which the run counts as ended
 * @param receivedAt when its event arrived; undefined if it was read later from the log. The stage `notify` is the time
 * from the end to the arrival.
 */
export function endedRun(
  request: JobRequest,
  outcome: Outcome,
  { at, receivedAt }: { at: number; receivedAt: number | undefined },
): EndedRun {
  if (outcome.state === 'failed') return { at, errorCode: outcome.error.code, seconds: {} };
  const { wait_ms, fetch_ms, process_ms, store_ms } = outcome.timings;
  // The worker's clock may be wrong; the run ended before its event arrived.
  const finishedAt = Math.min(Date.parse(outcome.finished_at), receivedAt ?? Infinity);
  const totalMs = Math.max(0, finishedAt - Date.parse(request.submitted_at));
  const seconds = {
    total: totalMs / 1_000,
    wait: Math.min(wait_ms, totalMs) / 1_000,
    fetch: fetch_ms / 1_000,
    process: process_ms / 1_000,
    store: store_ms / 1_000,
  };
  if (receivedAt === undefined) return { at, errorCode: undefined, seconds };
  const notify = Math.max(0, receivedAt - finishedAt) / 1_000;
  return { at, errorCode: undefined, seconds: { ...seconds, notify } };
}

const MINUTE_MS = 60_000;

/** Jobs per second over the last minute and the last five minutes. */
export function throughputOf(ends: readonly EndedRun[], now: number): Snapshot['throughput'] {
  const rate = (minutes: number, failed: boolean) => {
    const from = now - minutes * MINUTE_MS;
    const counted = ends.filter(({ at, errorCode }) => at > from && (errorCode !== undefined) === failed);
    return counted.length / (minutes * 60);
  };
  return {
    completed_1m: rate(1, false),
    completed_5m: rate(5, false),
    failed_1m: rate(1, true),
    failed_5m: rate(5, true),
  };
}

/** Number of failed runs by error code. */
export function failuresByCode(ends: readonly EndedRun[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { errorCode } of ends) {
    if (errorCode !== undefined) counts.set(errorCode, (counts.get(errorCode) ?? 0) + 1);
  }
  return Object.fromEntries(counts);
}

/** @param windowSeconds length of the window that the runs are from */
export function latencyOf(runs: readonly EndedRun[], windowSeconds: number): Snapshot['latency'] {
  const completed = runs.filter(({ errorCode }) => errorCode === undefined);
  const ofStage = (stage: LatencyStage) =>
    percentilesOf(completed.flatMap(({ seconds }) => seconds[stage] ?? []));
  const stages = {
    total: ofStage('total'),
    wait: ofStage('wait'),
    fetch: ofStage('fetch'),
    process: ofStage('process'),
    store: ofStage('store'),
    notify: ofStage('notify'),
  } satisfies Record<(typeof latencyStages)[number], Percentiles | null>;
  return { window_seconds: windowSeconds, samples: completed.length, stages };
}

/** Percentiles by nearest rank; null without samples. */
export function percentilesOf(samples: readonly number[]): Percentiles | null {
  if (samples.length === 0) return null;
  const sorted = Float64Array.from(samples).sort();
  const at = (part: number) => sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? 0;
  const mean = sorted.reduce((sum, sample) => sum + sample, 0) / sorted.length;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), mean };
}

/** Recent entries in order of arrival. Bounded: beyond the capacity, the oldest are dropped. */
export class Recent<Entry> {
  readonly #capacity: number;
  readonly #timeOf: (entry: Entry) => number;
  #entries: Entry[] = [];

  /** @param timeOf in milliseconds since 1970 */
  constructor(capacity: number, timeOf: (entry: Entry) => number) {
    this.#capacity = capacity;
    this.#timeOf = timeOf;
  }

  add(entry: Entry): void {
    this.#entries.push(entry);
    // Not for each entry, because that would copy the whole list.
    if (this.#entries.length >= this.#capacity * 2) this.#entries = this.#entries.slice(-this.#capacity);
  }

  /** Entries after `from`, up to and including `to`. */
  between(from: number, to: number): Entry[] {
    return this.#entries.filter((entry) => {
      const at = this.#timeOf(entry);
      return at > from && at <= to;
    });
  }

  /** Counts from the newest entry back to the first that is not after `from`. */
  countSince(from: number, counts: (entry: Entry) => boolean): number {
    let found = 0;
    for (let index = this.#entries.length - 1; index >= 0; index--) {
      const entry = this.#entries[index];
      if (entry === undefined || this.#timeOf(entry) <= from) break;
      if (counts(entry)) found++;
    }
    return found;
  }

  dropBefore(time: number): void {
    this.#entries = this.#entries.filter((entry) => this.#timeOf(entry) >= time);
  }
}
