import { availableParallelism } from 'node:os';
import type { System, SystemOptions } from '../../testing/start-system.ts';
import type { EngineName } from '../../worker/engine/engine.ts';
import type { BenchRun } from './bench-run.ts';
import { JobWatcher, type WatchedJob } from './job-watcher.ts';
import { UPLOAD_FIELDS } from './photos.ts';
import { startCpuClock, type CpuTime } from './processes.ts';
import { formOf, keepBusy, upload, type Form } from './traffic.ts';

export interface BenchSystemOptions {
  readonly workers?: number;
  /** Default: one more than there are cores, because a job also waits for the store and the broker. */
  readonly slots?: number;
  readonly engine: EngineName;
  readonly environment?: SystemOptions['environment'];
}

/** CPU time per image in milliseconds. */
export interface CpuPerImage {
  readonly engine: number;
  readonly worker: number;
  readonly api: number;
  readonly notification: number;
  readonly monitoring: number;
  readonly broker: number;
}

/** A whole system with one worker, and a client that uploads photos and watches their jobs. */
export class BenchSystem implements AsyncDisposable {
  readonly system: System;
  readonly #watcher: JobWatcher;
  readonly #forms: readonly Form[];

  private constructor(bench: BenchRun, system: System, watcher: JobWatcher) {
    this.system = system;
    this.#watcher = watcher;
    this.#forms = bench.photos.map(({ name, bytes }) =>
      formOf({ name: `${name}.jpg`, contentType: 'image/jpeg', bytes }, UPLOAD_FIELDS),
    );
  }

  static async start(bench: BenchRun, { engine, ...options }: BenchSystemOptions): Promise<BenchSystem> {
    const system = await bench.startSystem({
      name: 'bench',
      workers: options.workers ?? 1,
      slots: options.slots ?? availableParallelism() + 1,
      monitoring: true,
      environment: async (made) => ({ IMAGE_ENGINE: engine, ...(await options.environment?.(made)) }),
    });
    try {
      return new BenchSystem(bench, system, await JobWatcher.open(system.notificationUrl));
    } catch (error) {
      await system[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The processes of the system; the engine is the children of the worker. */
  get pids(): ReadonlyMap<string, number> {
    const { services, node } = this.system;
    const running = services.map(({ name, pid }): [string, number] => [name, pid ?? Number.NaN]);
    return new Map([...running, ['broker', node.process.pid]]);
  }

  upload(number: number): Promise<{ jobId: string; acceptedAt: number }> {
    return upload(this.system.apiUrl, this.#forms[number % this.#forms.length] ?? Buffer.alloc(0));
  }

  /** Uploads a photo and waits for the end of its job. @throws Error if it failed */
  async process(number: number): Promise<WatchedJob & { readonly acceptedAt: number }> {
    const { jobId, acceptedAt } = await this.upload(number);
    const job = await this.ended(jobId);
    if (job.timings === undefined) throw new Error(`job ${jobId} failed`);
    return { ...job, acceptedAt };
  }

  ended(jobId: string): Promise<WatchedJob> {
    return this.#watcher.ended(jobId);
  }

  /** Images per second at full load, and CPU time per image by process. */
  async run(warmUpSeconds: number, seconds: number): Promise<{ perSecond: number; cpu: CpuPerImage }> {
    const startClock = () => startCpuClock(this.pids);
    const { perSecond, count, usage } = await keepBusy(
      (number) => this.process(number),
      { warmUpSeconds, seconds },
      startClock,
    );
    return { perSecond, cpu: cpuPerImage(usage, count) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watcher[Symbol.asyncDispose]();
    await this.system[Symbol.asyncDispose]();
  }
}

/** @param usage by name of process: `worker-1`, `api`, `notification`, `monitoring`, `broker` */
export function cpuPerImage(usage: ReadonlyMap<string, CpuTime>, images: number): CpuPerImage {
  const of = (name: string, part: keyof CpuTime) => (usage.get(name)?.[part] ?? 0) / images;
  const all = (name: string) => of(name, 'own') + of(name, 'children');
  return {
    engine: of('worker-1', 'children'),
    worker: of('worker-1', 'own'),
    api: all('api'),
    notification: all('notification'),
    monitoring: all('monitoring'),
    broker: all('broker'),
  };
}

export function aroundEngine(cpu: CpuPerImage): number {
  return cpu.worker + cpu.api + cpu.notification + cpu.monitoring + cpu.broker;
}
