import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { queueStatusSchema } from '../../api/pipeline-status/queue-status.ts';
import { ApiClient, TOKEN } from '../api-client.ts';
import { startSystem, type System } from '../start-system.ts';
import { readSnapshot } from '../snapshot-watch.ts';
import { uploadImage } from '../uploads.ts';

const QUEUE_MONITOR = join(import.meta.dirname, '../../monitoring/queue_monitor.ts');
const UPLOADS = 20;
/** Some hundred milliseconds for each image, so that samples see them in progress. */
const SOME_WORK = Array.from({ length: 6 }, () => 'filter:sharpen').join(',');
const READ_EVERY_MS = 200;
/** A refresh of monitoring, and the fetch of the API or the poll of the terminal view that follows it. */
const ONE_SAMPLE_MS = 2_500;
const UNTIL = { timeout: 60_000, interval: 100 };

/** What a source shows at a time (ms); a missing member is not in this source, NaN is unknown. */
interface Reading {
  readonly at: number;
  readonly waiting: number;
  readonly processing?: number;
  readonly slots?: number;
}
type Quantity = Exclude<keyof Reading, 'at'>;

/** The readings of each source, oldest first. */
class Sources implements AsyncDisposable {
  readonly readings = new Map<string, Reading[]>();
  readonly #system: System;
  readonly #stopping = new AbortController();
  readonly #running: Promise<unknown>;

  constructor(system: System) {
    this.#system = system;
    this.#running = Promise.all([
      this.#read('/queue/status', () => this.#queueStatus()),
      this.#read('/status of monitoring', () => this.#snapshot()),
      this.#read('/metrics of the API', () => this.#metrics(system.apiUrl)),
      this.#read('/metrics of monitoring', () => this.#metrics(system.monitoringUrl ?? '')),
      this.#watchTerminal(),
    ]);
  }

  get newest(): readonly (Reading | undefined)[] {
    return [...this.readings.values()].map((readings) => readings.at(-1));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #read(source: string, read: () => Promise<Omit<Reading, 'at'>>): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      this.#add(source, await read());
      await sleep(READ_EVERY_MS);
    }
  }

  #add(source: string, reading: Omit<Reading, 'at'>): void {
    const readings = this.readings.get(source) ?? [];
    readings.push({ at: performance.now(), ...reading });
    this.readings.set(source, readings);
  }

  async #queueStatus(): Promise<Omit<Reading, 'at'>> {
    const headers = { authorization: `Bearer ${TOKEN}` };
    const { json } = await new ApiClient(this.#system.api).ask('/queue/status', { headers });
    const { queue_size, processing, max_concurrent } = queueStatusSchema.parse(json);
    return { waiting: queue_size ?? NaN, processing: processing ?? NaN, slots: max_concurrent ?? NaN };
  }

  async #snapshot(): Promise<Omit<Reading, 'at'>> {
    const { jobs, utilisation } = await readSnapshot(this.#system.monitoringUrl ?? '');
    return { waiting: jobs.queued, processing: jobs.processing, slots: utilisation.slots };
  }

  async #metrics(url: string): Promise<Omit<Reading, 'at'>> {
    const text = await (await fetch(`${url}/metrics`)).text();
    const valueOf = (series: string) =>
      Number(
        text
          .split('\n')
          .find((line) => line.startsWith(`${series} `))
          ?.split(' ')[1] ?? NaN,
      );
    const waiting = valueOf('rabbitmq_queue_messages_ready{queue="image.jobs.process"}');
    if (url === this.#system.apiUrl) return { waiting };
    const processing = valueOf('image_jobs_open{state="processing"}');
    return { waiting, processing, slots: valueOf('image_pipeline_slots') };
  }

  async #watchTerminal(): Promise<void> {
    const args = [QUEUE_MONITOR, '--interval', '1', '--url', this.#system.monitoringUrl ?? ''];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#stopping.signal.addEventListener('abort', () => child.kill('SIGTERM'));
    for await (const line of createInterface(child.stdout)) {
      const [, waiting, busy, slots] = /ready=(\S+) .* busy=(\d+)\/(\d+) /.exec(line) ?? [];
      this.#add('terminal view', {
        waiting: Number(waiting),
        processing: Number(busy),
        slots: Number(slots),
      });
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
}

/** Readings that another source did not have within a sample before or after; at those times, all were read. */
function disagreements(readings: ReadonlyMap<string, readonly Reading[]>, quantity: Quantity): string[] {
  const from = Math.max(...[...readings.values()].map((own) => own[0]?.at ?? Infinity)) + ONE_SAMPLE_MS;
  const to = Math.min(...[...readings.values()].map((own) => own.at(-1)?.at ?? 0)) - ONE_SAMPLE_MS;
  return [...readings].flatMap(([source, own]) =>
    [...readings].flatMap(([other, others]) =>
      own.flatMap(({ at, [quantity]: value }) => {
        const near = others
          .filter((reading) => Math.abs(reading.at - at) <= ONE_SAMPLE_MS)
          .map((reading) => reading[quantity] ?? NaN)
          .filter((number) => !Number.isNaN(number));
        if (value === undefined || Number.isNaN(value) || near.length === 0 || at < from || at > to)
          return [];
        const [least, most] = [Math.min(...near), Math.max(...near)];
        const agrees = least <= value && value <= most;
        return agrees ? [] : `${quantity}: ${source} shows ${value}, ${other} ${least} to ${most}`;
      }),
    ),
  );
}

it('all sources show the same numbers, at most one sample apart', async () => {
  await using system = await startSystem({
    name: 'agreement',
    workers: 2,
    slots: 1,
    monitoring: true,
    environment: () => ({ API_TOKEN: TOKEN }),
  });
  await using sources = new Sources(system);
  const untilAll = (shown: Partial<Reading>) =>
    expect
      .poll(() => sources.newest, UNTIL)
      .toEqual(Array.from({ length: 5 }, () => expect.objectContaining(shown) as Reading));
  const readySince = performance.now();
  await untilAll({ waiting: 0 });
  await Promise.all(system.workers.map((worker) => worker.stop()));
  await Promise.all(
    Array.from({ length: UPLOADS }, () =>
      uploadImage(new ApiClient(system.api), 'sample.jpg', undefined, SOME_WORK),
    ),
  );
  await untilAll({ waiting: UPLOADS });
  await Promise.all(system.workers.map((worker) => worker.start()));
  await untilAll({ waiting: 0 });
  const status = async () => (await readSnapshot(system.monitoringUrl ?? '')).ledger;
  await expect.poll(status, UNTIL).toMatchObject({ accepted: UPLOADS, completed: UPLOADS, open: 0 });
  await Promise.all(system.workers.map((worker) => worker.stop()));
  await untilAll({ waiting: 0 });
  await sleep(2 * ONE_SAMPLE_MS);

  const all = [...sources.readings.values()].flat();
  const settled = all.filter(({ at }) => at > readySince + ONE_SAMPLE_MS);
  expect(settled.filter(({ slots }) => Number.isNaN(slots))).toEqual([]);
  for (const quantity of ['waiting', 'processing', 'slots'] as const) {
    expect(disagreements(sources.readings, quantity)).toEqual([]);
  }
  expect(Math.max(...all.map(({ processing }) => processing ?? 0))).toBeGreaterThan(0);
  expect(all.map(({ slots }) => slots)).toEqual(expect.arrayContaining([0, 2]));
}, 180_000);
