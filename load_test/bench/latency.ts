import type { BenchRun } from './bench-run.ts';
import { BenchSystem } from './bench-system.ts';
import { digits, median, type Section } from './report.ts';

const WARM_UP_JOBS = 20;
const JOBS = 60;

/** Where the time of a photo goes while the system is idle otherwise: one upload after the other. */
export async function measureLatency(bench: BenchRun): Promise<Section> {
  const rows: string[][] = [];
  for (const engine of ['jimp', 'sharp'] as const) {
    const start = () => BenchSystem.start(bench, { engine });
    const parts = await bench.during(start, async (system) => {
      for (let job = 0; job < WARM_UP_JOBS; job++) await system.process(job);
      return sequentialJobs(system, JOBS);
    });
    const of = (part: keyof JobParts) => digits(median(parts.map((job) => job[part])));
    bench.say(`IMAGE_ENGINE=${engine}: ${of('total')} ms from upload to WebSocket`);
    rows.push([
      engine,
      of('total'),
      of('upload'),
      of('start'),
      of('fetch'),
      of('engine'),
      of('store'),
      of('notify'),
    ]);
  }
  return {
    columns: [
      'IMAGE_ENGINE',
      'total, p50 ms',
      'upload',
      '202 → start',
      'fetch',
      'engine',
      'store',
      'outcome → WebSocket',
    ],
    rows,
  };
}

/** The parts of the time of one job, in milliseconds. All clocks are of one machine. */
export interface JobParts {
  readonly total: number;
  readonly upload: number;
  /** Negative if the worker started before the client had the 202. */
  readonly start: number;
  readonly fetch: number;
  readonly engine: number;
  readonly store: number;
  readonly notify: number;
}

export async function sequentialJobs(system: BenchSystem, count: number): Promise<JobParts[]> {
  const jobs: JobParts[] = [];
  for (let number = 0; number < count; number++) {
    const sentAt = Date.now();
    const { acceptedAt, startedAt, endedAt, receivedAt, timings } = await system.process(number);
    jobs.push({
      total: receivedAt - sentAt,
      upload: acceptedAt - sentAt,
      start: startedAt - acceptedAt,
      fetch: timings?.fetch_ms ?? Number.NaN,
      engine: timings?.process_ms ?? Number.NaN,
      store: timings?.store_ms ?? Number.NaN,
      notify: receivedAt - endedAt,
    });
  }
  return jobs;
}
