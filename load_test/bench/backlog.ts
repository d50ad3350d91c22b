import { setTimeout as sleep } from 'node:timers/promises';
import PQueue from 'p-queue';
import { percentile } from '../calculate.ts';
import { startLoadSystem } from '../../testing/system/load-system.ts';
import { residentMemory } from './memory.ts';
import { report, reportGrowth } from './report.ts';
import { benchImage, upload } from './upload.ts';

const FEW_JOBS = 1_000;
const MANY_JOBS = 10_000;
/** What both keep in memory is bounded by this, not by the queue; small, so that it is full before we look. */
const REMEMBERED = { JOBS_REMEMBERED: '500' };
const UPLOADS_AT_ONCE = 8;
const STATUS_CALLS = 2_000;
const SETTLE_MS = 5_000;

/** What a long queue costs those who do not work on it: no worker runs. */
export async function measureBacklog(): Promise<void> {
  console.log(`${MANY_JOBS} jobs queued and no worker; 500 jobs and events kept in memory\n`);
  await using system = await startLoadSystem({
    name: 'backlog',
    workers: 0,
    slots: 1,
    monitoring: true,
    environment: () => Promise.resolve(REMEMBERED),
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
  const uploads = new PQueue({ concurrency: UPLOADS_AT_ONCE });
  for (let job = ids.length; job < count; job++) {
    await uploads.onSizeLessThan(UPLOADS_AT_ONCE);
    void uploads.add(async () => ids.push((await upload(apiUrl, image)).jobId));
  }
  await uploads.onIdle();
}

/** Milliseconds of calls one after the other, of jobs old and new. */
async function statusLatency(apiUrl: string, ids: readonly string[]): Promise<number[]> {
  const times: number[] = [];
  for (let call = 0; call < STATUS_CALLS; call++) {
    const jobId = ids[(call * 7_919) % ids.length] ?? '';
    const began = performance.now();
    const answer = await fetch(`${apiUrl}/status/${jobId}`);
    await answer.arrayBuffer();
    times.push(performance.now() - began);
    if (!answer.ok) throw new Error(`/status answered ${answer.status}`);
  }
  return times;
}
