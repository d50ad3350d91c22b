import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startSystem, type System } from '../../testing/start-system.ts';
import { percentile } from '../calculate.ts';
import { JobWatcher, systemThroughput } from './job-watcher.ts';
import { report, reportGrowth, residentMemory } from './measure.ts';
import { benchImage, upload, type BenchImage } from './upload.ts';

/** Enough for V8 to compile hot functions. */
const WARM_UP_IMAGES = 40;
const ROUNDS = 5;
const IMAGES_PER_ROUND = 32;
const IDLE_UPLOADS = 50;
const FIRST_JOBS = 100;
const ALL_JOBS = 1_000;
/** Time for a service to release memory after a burst. */
const SETTLE_MS = 3_000;

/** Throughput compared with image processing alone, latency of an idle system, and memory after many jobs. */
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

/**
 * Sequential uploads to an idle system. All clocks are of one machine.
 * @returns milliseconds per job: from the 202 at the client to the start at the worker, which may be negative, and from the
 *   outcome to its event at a subscriber
 */
async function idleLatencies(system: System, watcher: JobWatcher, image: BenchImage, count: number) {
  const toStart: number[] = [];
  const toSubscriber: number[] = [];
  for (let index = 0; index < count; index++) {
    const { jobId, acceptedAt } = await upload(system.apiUrl, image);
    await watcher.ended(jobId);
    for (const { type, happenedAt, receivedAt } of watcher.eventsOf(jobId)) {
      if (type === 'job.started') toStart.push(happenedAt - acceptedAt);
      if (type === 'job.completed') toSubscriber.push(receivedAt - happenedAt);
    }
  }
  return { toStart, toSubscriber };
}

/** Child processes that only process images. */
class BareLoops implements Disposable {
  readonly #children: readonly ChildProcess[];

  constructor(processes: number) {
    this.#children = Array.from({ length: processes }, () =>
      fork(join(import.meta.dirname, 'bare-loop.ts'), { serialization: 'advanced' }),
    );
  }

  /** Images per second of all processes. */
  async throughput(images: readonly BenchImage[]): Promise<number> {
    const since = performance.now();
    await Promise.all(
      this.#children.map(async (child, index) => {
        const share = images.filter((_image, at) => at % this.#children.length === index);
        child.send(share.map(({ name, contentType, operations }) => ({ name, contentType, operations })));
        await once(child, 'message');
      }),
    );
    return (images.length / (performance.now() - since)) * 1_000;
  }

  [Symbol.dispose](): void {
    for (const child of this.#children) child.kill();
  }
}
