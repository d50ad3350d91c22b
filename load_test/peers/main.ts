#!/usr/bin/env -S npx node
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { BenchRun } from '../bench/bench-run.ts';
import { makePhotos, UPLOAD_FIELDS } from '../bench/photos.ts';
import { startCpuClock, sum, type CpuTime } from '../bench/processes.ts';
import { describeMachine, digits, markdownTable, median, writeSection } from '../bench/report.ts';
import { formOf, keepBusy, send, upload, type Form } from '../bench/traffic.ts';
import { endOnSignal, runProgram } from '../run-program.ts';
import { installPeers } from './install-peers.ts';
import { startOurs, startPeer, type RunningPeer } from './run-peer.ts';

const ROUNDS = 3;
const WARM_UP_S = 5;
const SECONDS = 8;
const JOBS_ONE_BY_ONE = 30;
/** Pause between two status requests of a job: at full load, and one job at a time. */
const BUSY_POLL_MS = 50;
const IDLE_POLL_MS = 3;

const statusSchema = z.object({ status: z.string() });

interface Measured {
  readonly perSecond: number;
  /** CPU time per image in milliseconds, by part of the system. */
  readonly cpu: ReadonlyMap<string, number>;
  readonly latencyMs: number;
}

/** The same client for all: uploads, and polls the status until the image is completed. */
async function processOne(url: string, form: Form, pollMs: number): Promise<void> {
  const { jobId } = await upload(url, form);
  for (;;) {
    await sleep(pollMs);
    const { status, body } = await send(`${url}/status/${jobId}`);
    const state = status === 200 ? statusSchema.parse(JSON.parse(body.toString())).status : String(status);
    if (state === 'completed') return;
    if (state === 'failed') throw new Error(`job ${jobId} failed`);
  }
}

async function measure({ url, pids }: RunningPeer, forms: readonly Form[]): Promise<Measured> {
  const formAt = (number: number) => forms[number % forms.length] ?? Buffer.alloc(0);
  const all = new Map([...pids.values()].flat().map((pid) => [String(pid), pid]));
  const { perSecond, count, usage } = await keepBusy(
    (number) => processOne(url, formAt(number), BUSY_POLL_MS),
    { warmUpSeconds: WARM_UP_S, seconds: SECONDS },
    () => startCpuClock(all),
  );
  const times: number[] = [];
  for (let number = 0; number < JOBS_ONE_BY_ONE; number++) {
    const since = performance.now();
    await processOne(url, formAt(number), IDLE_POLL_MS);
    times.push(performance.now() - since);
  }
  const cpu = new Map([...pids].map(([name, own]) => [name, cpuOf(own, usage) / count]));
  return { perSecond, cpu, latencyMs: median(times) };
}

function cpuOf(pids: readonly number[], usage: ReadonlyMap<string, CpuTime>): number {
  const times = pids.map((pid) => usage.get(String(pid)) ?? { own: 0, children: 0 });
  return sum(times.map(({ own, children }) => own + children));
}

async function main(): Promise<void> {
  console.log(`${describeMachine()}\nThis takes about 7 minutes. Ctrl-C ends it.`);
  await using bench = new BenchRun(await makePhotos());
  endOnSignal(bench);
  const since = performance.now();
  const forms = bench.photos.map(({ name, bytes }) =>
    formOf({ name: `${name}.jpg`, contentType: 'image/jpeg', bytes }, UPLOAD_FIELDS),
  );
  const found = await bench.during(
    () => installPeers((line) => bench.say(line)),
    async (peers) => {
      const systems: readonly [string, () => Promise<RunningPeer>, Measured[]][] = [
        ['ours, IMAGE_ENGINE=jimp (default)', () => startOurs(bench, 'jimp'), []],
        ['ours, IMAGE_ENGINE=sharp', () => startOurs(bench, 'sharp'), []],
        ['FastAPI + pika + Pillow', () => startPeer(bench, 'fastapi-pika', peers), []],
        ['FastAPI + Celery + Pillow', () => startPeer(bench, 'fastapi-celery', peers), []],
        ['Express + BullMQ + sharp', () => startPeer(bench, 'express-bullmq', peers), []],
      ];
      for (let round = 1; round <= ROUNDS; round++) {
        for (const [title, start, measured] of systems) {
          const result = await bench.during(start, (system) => measure(system, forms));
          bench.say(`round ${round}, ${title}: ${digits(result.perSecond)} images/s`);
          measured.push(result);
        }
      }
      return systems.map(([title, , measured]) => ({ title, measured }));
    },
  );
  const section = { columns: COLUMNS, rows: compare(found) };
  console.log(`\n${markdownTable(section)}`);
  if (process.env['WRITE'] === '1') await writeSection('peers', section, (performance.now() - since) / 1_000);
}

const COLUMNS = [
  'system',
  'images/s',
  '÷ best peer',
  'CPU ms per image',
  'worker with engine',
  'API',
  'broker',
  'other',
  'one at a time, p50',
];

function compare(systems: readonly { title: string; measured: readonly Measured[] }[]): string[][] {
  const rate = (measured: readonly Measured[]) => median(measured.map(({ perSecond }) => perSecond));
  const peers = systems.filter(({ title }) => !title.startsWith('ours'));
  const best = Math.max(...peers.map(({ measured }) => rate(measured)));
  return systems.map(({ title, measured }) => {
    const cpu = (name: string) => median(measured.map((one) => one.cpu.get(name) ?? Number.NaN));
    return [
      title,
      digits(rate(measured)),
      digits(rate(measured) / best),
      digits(median(measured.map((one) => sum([...one.cpu.values()])))),
      ...['worker', 'api', 'broker', 'other'].map((name) => digits(cpu(name))),
      `${digits(median(measured.map(({ latencyMs }) => latencyMs)))} ms`,
    ];
  });
}

await runProgram(main);
