import type { Job } from '../live/jobs.ts';

/** What happened in equal parts of a period, oldest first. All lists have one value for each part. */
export interface History {
  /** The end of each part, in seconds since 1970. */
  readonly times: readonly number[];
  /** Jobs that were accepted and had not ended yet, at the end of the part. */
  readonly open: readonly number[];
  /** Of these, jobs that a worker was processing. */
  readonly processing: readonly number[];
  readonly completed: readonly number[];
  readonly failed: readonly number[];
  /** Time from upload to result in seconds, of the jobs that were completed in the part; null if there is none. */
  readonly p50: readonly (number | null)[];
  readonly p95: readonly (number | null)[];
}

const hasEnded = ({ state }: Job) => state === 'completed' || state === 'failed';

/** The history of these jobs in the `parts` periods of `partMs` until `now`. All times in milliseconds. */
export function historyOf(
  jobs: readonly Job[],
  period: { readonly now: number; readonly partMs: number; readonly parts: number },
): History {
  const { now, partMs, parts } = period;
  // The parts begin at round times, so that a value moves and does not change.
  const end = Math.ceil(now / partMs) * partMs;
  const begin = end - parts * partMs;
  const partOf = (time: number) => Math.floor((time - begin) / partMs);
  const change = new Array<number>(parts + 1).fill(0);
  const processingChange = new Array<number>(parts + 1).fill(0);
  const [completed, failed] = [new Array<number>(parts).fill(0), new Array<number>(parts).fill(0)];
  const durations = Array.from({ length: parts }, (): number[] => []);

  for (const job of jobs) {
    const from = Date.parse(job.submittedAt);
    if (from >= end) continue;
    const first = Math.max(partOf(from), 0);
    const until = hasEnded(job) ? Date.parse(job.updatedAt) : Infinity;
    if (until < begin) continue;
    const last = Math.min(until === Infinity ? parts : partOf(until), parts);
    change[first] = (change[first] ?? 0) + 1;
    change[last] = (change[last] ?? 0) - 1;
    if (job.startedAt !== undefined && (job.state === 'processing' || hasEnded(job))) {
      const started = Math.max(partOf(Date.parse(job.startedAt)), 0);
      processingChange[started] = (processingChange[started] ?? 0) + 1;
      processingChange[last] = (processingChange[last] ?? 0) - 1;
    }
    if (last === parts) continue;
    const counted = job.state === 'completed' ? completed : failed;
    counted[last] = (counted[last] ?? 0) + 1;
    if (job.state === 'completed') durations[last]?.push((until - from) / 1_000);
  }
  let [open, processing] = [0, 0];
  const sorted = durations.map((seconds) => seconds.sort((one, other) => one - other));
  return {
    times: completed.map((_, part) => (begin + (part + 1) * partMs) / 1_000),
    open: completed.map((_, part) => (open += change[part] ?? 0)),
    processing: completed.map((_, part) => (processing += processingChange[part] ?? 0)),
    completed,
    failed,
    p50: sorted.map((seconds) => percentile(seconds, 0.5)),
    p95: sorted.map((seconds) => percentile(seconds, 0.95)),
  };
}

/** The nearest-rank percentile of sorted values; null if there is none. */
function percentile(sorted: readonly number[], share: number): number | null {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null;
}
