import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchRun } from './bench-run.ts';
import { BenchSystem } from './bench-system.ts';
import { residentMemory } from './processes.ts';
import { digits, type Section } from './report.ts';
import { uploadQueue, UPLOADS_AT_ONCE } from './traffic.ts';

const FIRST_JOBS = 500;
const ALL_JOBS = 5_000;
/** Limit of what the services keep in memory: reached before the first measurement. */
const environment = () => ({ JOBS_REMEMBERED: '500' });
/** Time for a service to release memory after a burst. */
const SETTLE_MS = 3_000;

/** The memory of each service after few and after many jobs, under full load. */
export async function measureMemory(bench: BenchRun): Promise<Section> {
  const start = () => BenchSystem.start(bench, { engine: 'sharp', environment });
  return bench.during(start, async (system) => {
    const until = async (first: number, last: number) => {
      const jobs = uploadQueue();
      for (let job = first; job < last; job++) {
        await jobs.onSizeLessThan(UPLOADS_AT_ONCE);
        void jobs.add(() => system.process(job));
        if (job % 500 === 0) bench.say(`${job} of ${ALL_JOBS} jobs`);
      }
      await jobs.onIdle();
      await sleep(SETTLE_MS);
      return residentMemory(system.pids);
    };
    const early = await until(0, FIRST_JOBS);
    return memoryGrowth(early, await until(FIRST_JOBS, ALL_JOBS), [`${FIRST_JOBS} jobs`, `${ALL_JOBS} jobs`]);
  });
}

/** @param early and late: bytes by service */
export function memoryGrowth(
  early: ReadonlyMap<string, number>,
  late: ReadonlyMap<string, number>,
  moments: readonly [string, string],
): Section {
  const mebibytes = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(0)} MiB`;
  return {
    columns: ['resident memory', ...moments, 'growth'],
    rows: [...late].map(([service, bytes]) => {
      const first = early.get(service) ?? Number.NaN;
      return [service, mebibytes(first), mebibytes(bytes), `${digits(bytes / first)}×`];
    }),
  };
}
