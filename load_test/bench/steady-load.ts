import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from '../calculate.ts';
import { startSystem } from '../../testing/start-system.ts';
import { idleLatencies } from './latency.ts';
import { residentMemory } from './memory.ts';
import { report, reportGrowth } from './report.ts';
import { BareLoops, systemThroughput } from './throughput.ts';
import { benchImage } from './upload.ts';
import { JobWatcher } from './watch-jobs.ts';

/** Until V8 has compiled what is hot. */
const WARM_UP_IMAGES = 40;
const ROUNDS = 5;
const IMAGES_PER_ROUND = 32;
const IDLE_UPLOADS = 50;
const FIRST_JOBS = 100;
const ALL_JOBS = 1_000;
/** What a service needs to hand back memory after a burst. */
const SETTLE_MS = 3_000;

/** Throughput against the bare image work, latency of an idle system, and memory after many jobs. */
export async function measureSteadyLoad(): Promise<void> {
  const slots = availableParallelism();
  const sample = benchImage('sample.jpg', 'image/jpeg', 'resize,watermark');
  const small = benchImage('orientation-1.jpg', 'image/jpeg', 'resize:100x100');

  console.log(`${slots} cores; one worker with ${slots} slots; sample.jpg with resize,watermark\n`);
  await using system = await startSystem({ name: 'bench', workers: 1, slots });
  await using watcher = await JobWatcher.open(system.notificationUrl);
  using bare = new BareLoops(slots);

  const round = Array.from({ length: IMAGES_PER_ROUND }, () => sample);
  const warmUp = Array.from({ length: WARM_UP_IMAGES }, () => sample);
  await systemThroughput(system, watcher, warmUp);
  await bare.throughput(warmUp);

  const ratios: number[] = [];
  for (let index = 1; index <= ROUNDS; index++) {
    const whole = await systemThroughput(system, watcher, round);
    const loop = await bare.throughput(round);
    ratios.push(whole / loop);
    console.log(`round ${index}: system ${whole.toFixed(2)} images/s, bare loop ${loop.toFixed(2)} images/s`);
  }
  report('images/s of the system ÷ of a bare loop (median)', percentile(ratios, 0.5).toFixed(2), '≥ 0.85');

  const { toStart, toSubscriber } = await idleLatencies(system, watcher, small, IDLE_UPLOADS);
  report('idle: p50 from 202 to worker start', `${percentile(toStart, 0.5)} ms`, '≤ 15 ms');
  report('idle: p50 from outcome to WebSocket', `${percentile(toSubscriber, 0.5)} ms`, '≤ 10 ms');

  const few = Array.from({ length: FIRST_JOBS }, () => small);
  await systemThroughput(system, watcher, few);
  await sleep(SETTLE_MS);
  const early = await residentMemory(system);
  const many = Array.from({ length: ALL_JOBS - FIRST_JOBS }, () => small);
  const rate = await systemThroughput(system, watcher, many);
  await sleep(SETTLE_MS);
  const late = await residentMemory(system);
  console.log(`${many.length} small images: ${rate.toFixed(1)} images/s`);
  reportGrowth(early, late, `${FIRST_JOBS} → ${ALL_JOBS} jobs`);
}
