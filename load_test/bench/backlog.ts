import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from '../calculate.ts';
import { startSystem } from '../../testing/start-system.ts';
import { report, reportGrowth, residentMemory } from './measure.ts';
import { benchImage, upload, UPLOADS_AT_ONCE, uploadQueue } from './upload.ts';

const FEW_JOBS = 1_000;
const MANY_JOBS = 10_000;
/** Limits of what the services keep in memory: low, so that they are reached before the first measurement. */
const LIMITS = { JOBS_REMEMBERED: '500', EVENTS_RESUMABLE: '500' };
const STATUS_CALLS = 2_000;
const SETTLE_MS = 5_000;

/** The cost of a long queue for api, notification and monitoring, without a worker. */
export async function measureBacklog(): Promise<void> {
  console.log(`${MANY_JOBS} jobs queued and no worker; 500 jobs and events kept in memory\n`);
  await using system = await startSystem({
    name: 'backlog',
    workers: 0,
    slots: 1,
    monitoring: true,
    environment: () => Promise.resolve(LIMITS),
  });
  const ids: string[] = [];
  await queueUntil(FEW_JOBS, system.apiUrl, ids);
  await sleep(SETTLE_MS);
  const idle = await statusLatency(system.apiUrl, ids);
  const early = await residentMemory(system);
  await queueUntil(MANY_JOBS, system.apiUrl, ids);
  await sleep(SETTLE_MS);
  const late = await residentMemory(system);
  const loaded = await statusLatency(system.apiUrl, ids);
  const ratio = percentile(loaded, 0.99) / percentile(idle, 0.99);
  const times = `${percentile(idle, 0.99).toFixed(1)} → ${percentile(loaded, 0.99).toFixed(1)} ms`;
  report(`p99 of /status, ${FEW_JOBS} → ${MANY_JOBS} queued`, `${ratio.toFixed(2)}× (${times})`, '≤ 3×');
  reportGrowth(early, late, `${FEW_JOBS} → ${MANY_JOBS} queued`);
}

async function queueUntil(count: number, apiUrl: string, ids: string[]): Promise<void> {
  const image = benchImage('one-pixel.png', 'image/png', 'filter');
  const uploads = uploadQueue();
  for (let job = ids.length; job < count; job++) {
    await uploads.onSizeLessThan(UPLOADS_AT_ONCE);
    void uploads.add(async () => ids.push((await upload(apiUrl, image)).jobId));
  }
  await uploads.onIdle();
}

/** Milliseconds of sequential calls, for old and new jobs. */
async function statusLatency(apiUrl: string, ids: readonly string[]): Promise<number[]> {
  const times: number[] = [];
  for (let call = 0; call < STATUS_CALLS; call++) {
    const jobId = ids[(call * 7_919) % ids.length] ?? '';
    const start = performance.now();
    const response = await fetch(`${apiUrl}/status/${jobId}`);
    await response.arrayBuffer();
    times.push(performance.now() - start);
    if (!response.ok) throw new Error(`/status returned ${response.status}`);
  }
  return times;
}
