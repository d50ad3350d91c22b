import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from '../calculate.ts';
import type { BenchRun } from './bench-run.ts';
import { BenchSystem } from './bench-system.ts';
import { memoryGrowth } from './memory.ts';
import { residentMemory } from './processes.ts';
import { digits, type Section } from './report.ts';
import { send, testImageForm, upload, UPLOADS_AT_ONCE, uploadQueue } from './traffic.ts';

const FEW_JOBS = 1_000;
const MANY_JOBS = 10_000;
/** Limit of what the services keep in memory: low, so that it is reached before the first measurement. */
const LIMITS = { JOBS_REMEMBERED: '500' };
const STATUS_CALLS = 2_000;
const SETTLE_MS = 5_000;

/** The cost of a long queue for api, notification and monitoring, without a worker. */
export async function measureBacklog(bench: BenchRun): Promise<Section> {
  const environment = () => LIMITS;
  const start = () => BenchSystem.start(bench, { workers: 0, slots: 1, engine: 'sharp', environment });
  return bench.during(start, async ({ system, pids }) => {
    const ids: string[] = [];
    const measure = async (jobs: number) => {
      await queueUntil(jobs, system.apiUrl, ids);
      await sleep(SETTLE_MS);
      const status = percentile(await statusLatency(system.apiUrl, ids), 0.99);
      bench.say(`${jobs} jobs queued, p99 of /status ${digits(status)} ms`);
      return { status, memory: await residentMemory(pids) };
    };
    const early = await measure(FEW_JOBS);
    const late = await measure(MANY_JOBS);
    const moments = [`${FEW_JOBS} queued`, `${MANY_JOBS} queued`] as const;
    const { columns, rows } = memoryGrowth(early.memory, late.memory, moments);
    const ms = (value: number) => `${digits(value)} ms`;
    const ratio = `${digits(late.status / early.status)}×`;
    return { columns, rows: [...rows, ['p99 of /status', ms(early.status), ms(late.status), ratio]] };
  });
}

async function queueUntil(count: number, apiUrl: string, ids: string[]): Promise<void> {
  const form = testImageForm('one-pixel.png', 'image/png', 'filter');
  const uploads = uploadQueue();
  for (let job = ids.length; job < count; job++) {
    await uploads.onSizeLessThan(UPLOADS_AT_ONCE);
    void uploads.add(async () => ids.push((await upload(apiUrl, form)).jobId));
  }
  await uploads.onIdle();
}

/** Milliseconds of sequential calls, for old and new jobs. */
async function statusLatency(apiUrl: string, ids: readonly string[]): Promise<number[]> {
  const times: number[] = [];
  for (let call = 0; call < STATUS_CALLS; call++) {
    const jobId = ids[(call * 7_919) % ids.length] ?? '';
    const start = performance.now();
    const { status } = await send(`${apiUrl}/status/${jobId}`);
    times.push(performance.now() - start);
    if (status !== 200) throw new Error(`/status returned ${status}`);
  }
  return times;
}
