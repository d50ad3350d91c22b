import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { jpegSegments, withMoreScans } from '../../worker/engine/testing/jpeg-file.ts';
import { pngChunk, pngFile } from '../../worker/engine/testing/png-file.ts';
import { percentile } from '../calculate.ts';
import type { BenchRun } from './bench-run.ts';
import { BenchSystem } from './bench-system.ts';
import { digits, median, type Section } from './report.ts';
import { formOf, upload } from './traffic.ts';

const ROUNDS = 3;
const PHOTOS = 30;
/** How many photos are sent at a time. */
const AT_A_TIME = [3, PHOTOS];
const OTHERS = 10;
const SIDE = 5_000;
/** What takes a worker with jimp some 5 s; the API refuses an image whose estimate exceeds 6 s. */
const COSTLY = Array.from({ length: 7 }, () => 'filter:blur:100').join();

/** Starts what disturbs, once its uploads are accepted; returns how to end it. */
type Disturb = (system: BenchSystem) => Promise<() => unknown>;

/** Two workers with two slots each. How long 30 photos take, three at a time and all at once, while others use the system. */
export async function measureFairness(bench: BenchRun): Promise<Section> {
  const hostile = await hostileFiles();
  const flat = await sharp({ create: { width: SIDE, height: SIDE, channels: 3, background: '#369' } })
    .png()
    .toBuffer();
  const disturbances: Readonly<Record<string, Disturb>> = {
    nothing: () => Promise.resolve(() => undefined),
    '10 more photos at once': async (system) => {
      await Promise.all(times(OTHERS, (number) => system.upload(number)));
      return () => undefined;
    },
    '10 slow clients': (system) => Promise.resolve(slowClients(system.system.apiUrl)),
    '10 hostile files at once, 10 slow clients': async (system) => {
      const endClients = slowClients(system.system.apiUrl);
      const files = times(OTHERS, (number) => hostile[number % hostile.length] ?? flat);
      const jobs = await Promise.all(files.map((file) => send(system, file, 'filter:invert')));
      return () => {
        endClients();
        return Promise.all(jobs.map((id) => system.ended(id)));
      };
    },
    // Their jobs would take minutes: no disturbance follows in the same system.
    '10 costly jobs at once, 10 slow clients': async (system) => {
      await Promise.all(times(OTHERS, () => send(system, flat, COSTLY)));
      return slowClients(system.system.apiUrl);
    },
  };
  const start = () => BenchSystem.start(bench, { workers: 2, slots: 2, engine: 'jimp' });
  const found = new Map(Object.keys(disturbances).map((name) => [name, AT_A_TIME.map((): number[] => [])]));
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [mode, atATime] of AT_A_TIME.entries()) {
      await bench.during(start, async (system) => {
        await photosThrough(system, PHOTOS);
        for (const [name, disturb] of Object.entries(disturbances)) {
          const end = await disturb(system);
          const p95 = percentile(await photosThrough(system, atATime), 0.95);
          await end();
          await sleep(1_000);
          if (round > 0) found.get(name)?.[mode]?.push(p95);
          bench.say(`round ${round}, ${name}, ${atATime} at a time: p95 ${digits(p95)} ms`);
        }
      });
    }
  }
  const quiet = found.get('nothing') ?? [];
  return {
    columns: ['meanwhile', '3 at a time: p95 ms', '÷ nothing', '30 at once: p95 ms', '÷ nothing'],
    rows: [...found].map(([name, modes]) => [
      name,
      ...modes.flatMap((rounds, mode) => cells(rounds, quiet[mode] ?? [])),
    ]),
  };
}

/** The median of the rounds, and of their ratios. */
function cells(rounds: readonly number[], quiet: readonly number[]): string[] {
  const ratios = rounds.map((ms, round) => ms / (quiet[round] ?? Number.NaN));
  return [digits(median(rounds)), digits(median(ratios))];
}

/** Milliseconds from upload to end of each photo. */
async function photosThrough(system: BenchSystem, atATime: number): Promise<number[]> {
  const ms: number[] = [];
  let next = 0;
  const client = async () => {
    while (next < PHOTOS) {
      const began = performance.now();
      await system.process(next++);
      ms.push(performance.now() - began);
    }
  };
  await Promise.all(times(atATime, client));
  return ms;
}

/** Work that grows with tiny pieces, and with scans: the most that is accepted, and more. */
async function hostileFiles(): Promise<Buffer[]> {
  const rows = Buffer.alloc(40 * (1 + 40 * 3));
  const empty = Buffer.concat(times(100_000, () => pngChunk('IDAT')));
  const size = { width: 40, height: 40 };
  const pieces = pngFile({ ...size, data: rows, before: [empty] });
  const plain = await sharp({ create: { width: SIDE, height: SIDE, channels: 3, background: '#369' } })
    .jpeg({ progressive: true })
    .toBuffer();
  const scans = jpegSegments(plain, 0xda).length;
  return [pieces, withMoreScans(plain, 20 - scans), withMoreScans(plain, 100 - scans)];
}

/** Returns the job id. */
async function send(system: BenchSystem, bytes: Buffer, operations: string): Promise<string> {
  const contentType = bytes[0] === 0xff ? 'image/jpeg' : 'image/png';
  const { jobId } = await upload(
    system.system.apiUrl,
    formOf({ name: 'other', contentType, bytes }, { operations }),
  );
  return jobId;
}

/** Clients that send a byte of a form each second. */
function slowClients(apiUrl: string): () => void {
  const { hostname, port } = new URL(apiUrl);
  const sockets = times(OTHERS, () => {
    const socket = connect(Number(port), hostname).on('error', () => undefined);
    socket.write(
      `POST /upload HTTP/1.1\r\nHost: ${hostname}\r\nContent-Type: multipart/form-data; boundary=x\r\n` +
        'Content-Length: 100000\r\n\r\n--x\r\n',
    );
    return socket;
  });
  const timer = setInterval(() => {
    for (const socket of sockets) socket.write('a');
  }, 1_000);
  return () => {
    clearInterval(timer);
    for (const socket of sockets) socket.destroy();
  };
}

function times<Item>(count: number, make: (index: number) => Item): Item[] {
  return Array.from({ length: count }, (_, index) => make(index));
}
