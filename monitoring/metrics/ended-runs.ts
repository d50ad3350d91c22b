import type {
  LatencyStage,
  Snapshot,
  latencyStages,
  Percentiles,
} from '@image-pipeline/shared/contracts/snapshot.ts';
import type { JobRequest } from '@image-pipeline/shared/contracts/job.ts';
import type { Outcome } from '@image-pipeline/shared/contracts/outcome.ts';

/** How a run ended, as far as figures need it. */
export interface EndedRun {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** The error code of one that failed. */
  readonly failedOf: string | undefined;
  /** Where the time of one that completed went, in seconds. */
  readonly seconds: Readonly<Partial<Record<LatencyStage, number>>>;
}

/**
 * Times in milliseconds since 1970.
 * @param at when it counts as ended
 * @param heardAt when its event came by; undefined where it was read later from the log. Until then, those who follow
 * the log did not know of the end: that is the stage `notify`.
 */
export function endedRun(
  request: JobRequest,
  outcome: Outcome,
  { at, heardAt }: { at: number; heardAt: number | undefined },
): EndedRun {
  if (outcome.state === 'failed') return { at, failedOf: outcome.error.code, seconds: {} };
  const { wait_ms, fetch_ms, process_ms, store_ms } = outcome.timings;
  // By the clocks of two machines, of which one may be wrong: it was done before this one heard of it, at the latest.
  const finishedAt = Math.min(Date.parse(outcome.finished_at), heardAt ?? Infinity);
  const totalMs = Math.max(0, finishedAt - Date.parse(request.submitted_at));
  const seconds = {
    total: totalMs / 1_000,
    wait: Math.min(wait_ms, totalMs) / 1_000,
    fetch: fetch_ms / 1_000,
    process: process_ms / 1_000,
    store: store_ms / 1_000,
  };
  if (heardAt === undefined) return { at, failedOf: undefined, seconds };
  const notify = Math.max(0, heardAt - finishedAt) / 1_000;
  return { at, failedOf: undefined, seconds: { ...seconds, notify } };
}

const MINUTE_MS = 60_000;

/** Jobs a second over the last minute and the last five; a window that began before anything happened counts whole. */
export function throughputOf(ends: readonly EndedRun[], now: number): Snapshot['throughput'] {
  const rate = (minutes: number, failed: boolean) => {
    const from = now - minutes * MINUTE_MS;
    const counted = ends.filter(({ at, failedOf }) => at > from && (failedOf !== undefined) === failed);
    return counted.length / (minutes * 60);
  };
  return {
    completed_1m: rate(1, false),
    completed_5m: rate(5, false),
    failed_1m: rate(1, true),
    failed_5m: rate(5, true),
  };
}

/** How many failed, by error code. */
export function failuresByCode(ends: readonly EndedRun[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { failedOf } of ends) {
    if (failedOf !== undefined) counts.set(failedOf, (counts.get(failedOf) ?? 0) + 1);
  }
  return Object.fromEntries(counts);
}

/** Of the runs of a window of this length, in seconds. */
export function latencyOf(runs: readonly EndedRun[], windowSeconds: number): Snapshot['latency'] {
  const completed = runs.filter(({ failedOf }) => failedOf === undefined);
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

/** Nearest rank: the smallest sample that at least that part of all samples does not exceed. Null where there is none. */
export function percentilesOf(samples: readonly number[]): Percentiles | null {
  if (samples.length === 0) return null;
  const sorted = Float64Array.from(samples).sort();
  const at = (part: number) => sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? 0;
  const mean = sorted.reduce((sum, sample) => sum + sample, 0) / sorted.length;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), mean };
}
