import { depthOverTime } from '../calculate.ts';
import type { JobRecord, LoadTestResult } from '../result.ts';

/* A run over time, with a bounded number of points: 5,000 jobs would make 15,000, and a chart is 1,000 pixels wide. */

/** A value from this moment on, in seconds since the first upload. */
export interface SeriesPoint {
  readonly seconds: number;
  readonly value: number;
}

export function firstUpload({ jobs }: Pick<LoadTestResult, 'jobs'>): number {
  return jobs.reduce((first, { queued_at }) => Math.min(first, Date.parse(queued_at)), Infinity);
}

/** Jobs that waited for a worker. With more changes than `most`, each point is the peak of its part of the time. */
export function waitingSeries(jobs: readonly JobRecord[], most = 240): SeriesPoint[] {
  const depths = depthOverTime(jobs);
  const [start, end] = [depths[0]?.at ?? 0, depths.at(-1)?.at ?? 0];
  const exact = depths.map(({ at, waiting }) => ({ seconds: (at - start) / 1_000, value: waiting }));
  if (exact.length <= most) return exact;
  const width = (end - start) / 1_000 / most;
  const peaks: SeriesPoint[] = [];
  let [next, before] = [0, 0];
  for (let i = 0; i < most; i++) {
    let peak = before;
    for (
      let point = exact[next];
      point !== undefined && point.seconds < (i + 1) * width;
      point = exact[++next]
    ) {
      peak = Math.max(peak, point.value);
      before = point.value;
    }
    peaks.push({ seconds: i * width, value: peak });
  }
  return [...peaks, { seconds: most * width, value: exact.at(-1)?.value ?? 0 }];
}

/** Share (0 to 1) of the slots that was busy, as the mean of each of `parts` equal parts of the time, and the end. */
export function utilisationSeries(jobs: readonly JobRecord[], slots: number, parts = 60): SeriesPoint[] {
  const depths = depthOverTime(jobs);
  const [start, end] = [depths[0]?.at ?? 0, depths.at(-1)?.at ?? 0];
  const width = (end - start) / parts;
  if (!(width > 0)) return [];
  const busy = Array.from({ length: parts }, () => 0);
  for (const [i, { at, processing }] of depths.entries()) {
    const until = depths[i + 1]?.at ?? end;
    for (let part = Math.floor((at - start) / width); part < parts && start + part * width < until; part++) {
      const overlap = Math.min(until, start + (part + 1) * width) - Math.max(at, start + part * width);
      busy[part] = (busy[part] ?? 0) + Math.max(0, overlap) * processing;
    }
  }
  const shares = busy.map((area) => Math.min(1, area / width / slots));
  return [...shares, shares.at(-1) ?? 0].map((value, part) => ({ seconds: (part * width) / 1_000, value }));
}

/** What monitoring saw between first upload and last result, at most `most` samples. */
export function sampledSeries(
  result: LoadTestResult,
  value: (sample: LoadTestResult['samples'][number]) => number,
  most = 60,
): SeriesPoint[] {
  const start = firstUpload(result);
  const end = result.jobs.reduce((last, { ended_at }) => Math.max(last, Date.parse(ended_at ?? '') || 0), 0);
  const inside = result.samples.filter(({ at }) => Date.parse(at) >= start && Date.parse(at) <= end);
  const step = Math.max(1, Math.ceil(inside.length / most));
  return inside
    .filter((_, i) => i % step === 0)
    .map((sample) => ({ seconds: (Date.parse(sample.at) - start) / 1_000, value: value(sample) }));
}
