import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { BenchRun } from './bench-run.ts';
import { BenchSystem } from './bench-system.ts';
import { startCpuClock } from './processes.ts';
import { UPLOAD_FIELDS } from './photos.ts';
import { digits, median, type Section } from './report.ts';
import { formOf, keepBusy, upload } from './traffic.ts';

const ROUNDS = 3;
const SECONDS = 5;
const WARM_UP_S = 2;

/** Uploads alone, without workers, compared with a bare server that only stores the file. In turns. */
export async function measureUploads(bench: BenchRun): Promise<Section> {
  const startSystem = () => BenchSystem.start(bench, { workers: 0, slots: 1, engine: 'sharp' });
  const found = await bench.during(startSystem, (system) =>
    bench.during(
      () => BareServer.start(bench),
      async (bare) => {
        const forms = bench.photos.map(({ name, bytes }) =>
          formOf({ name: `${name}.jpg`, contentType: 'image/jpeg', bytes }, UPLOAD_FIELDS),
        );
        const toBare = (number: number) => upload(bare.url, forms[number % forms.length] ?? Buffer.alloc(0));
        const rounds: { ours: Rate; bare: Rate }[] = [];
        for (let round = 1; round <= ROUNDS; round++) {
          const ours = await rateOf((number) => system.upload(number), system.pids);
          const rate = await rateOf(toBare, new Map([['api', bare.pid]]));
          bench.say(`round ${round}: ${digits(ours.perSecond)} uploads/s, bare ${digits(rate.perSecond)}/s`);
          rounds.push({ ours, bare: rate });
        }
        return rounds;
      },
    ),
  );
  const ratio = median(found.map(({ ours, bare }) => ours.perSecond / bare.perSecond));
  const row = (title: string, rates: readonly Rate[], last: string) => [
    title,
    digits(median(rates.map(({ perSecond }) => perSecond))),
    last,
    digits(median(rates.map(({ cpuMs }) => cpuMs))),
    digits(median(rates.map(({ brokerMs }) => brokerMs))),
  ];
  return {
    columns: ['server', 'uploads/s', '÷ bare', 'CPU ms per upload', 'broker'],
    rows: [
      row(
        'API, folder store',
        found.map(({ ours }) => ours),
        digits(ratio),
      ),
      row(
        'bare Express + multer',
        found.map(({ bare }) => bare),
        '1',
      ),
    ],
  };
}

interface Rate {
  readonly perSecond: number;
  /** CPU time per upload in milliseconds. */
  readonly cpuMs: number;
  readonly brokerMs: number;
}

async function rateOf(
  task: (number: number) => Promise<unknown>,
  pids: ReadonlyMap<string, number>,
): Promise<Rate> {
  const options = { warmUpSeconds: WARM_UP_S, seconds: SECONDS };
  const { perSecond, count, usage } = await keepBusy(task, options, () => startCpuClock(pids));
  const of = (name: string) => {
    const time = usage.get(name);
    return time === undefined ? Number.NaN : (time.own + time.children) / count;
  };
  return { perSecond, cpuMs: of('api'), brokerMs: of('broker') };
}

class BareServer implements AsyncDisposable {
  readonly url: string;
  readonly #bench: BenchRun;
  readonly #process: ChildProcess;
  readonly #folder: string;

  private constructor(bench: BenchRun, child: ChildProcess, port: number, folder: string) {
    this.#bench = bench;
    this.url = `http://127.0.0.1:${port}`;
    this.#process = child;
    this.#folder = folder;
  }

  static async start(bench: BenchRun): Promise<BareServer> {
    const folder = await mkdtemp(join(tmpdir(), 'bare-upload-'));
    const child = fork(join(import.meta.dirname, 'bare-upload.ts'), [folder]);
    const [port] = z.tuple([z.number(), z.unknown()]).parse(await once(child, 'message'));
    return new BareServer(bench, child, port, folder);
  }

  get pid(): number {
    return this.#process.pid ?? Number.NaN;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      this.#process.kill();
      await once(this.#process, 'exit');
    }
    await this.#bench.discard(this.#folder);
  }
}
