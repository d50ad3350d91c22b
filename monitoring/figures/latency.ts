import type { latencyStages } from '@image-pipeline/shared/contracts/snapshot.ts';
import {
  type LatencyStage,
  type Percentiles,
  type Snapshot,
} from '@image-pipeline/shared/contracts/snapshot.ts';
import type { EndedRun } from '../events/ended-run.ts';

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
