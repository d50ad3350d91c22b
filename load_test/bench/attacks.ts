import { randomBytes, randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { queuedEvent } from '@image-pipeline/shared/contracts/event.ts';
import { eventMessage } from '@image-pipeline/shared/jobs/event-follower.ts';
import sharp from 'sharp';
import { someRequest } from '../../testing/job-life.ts';
import { SocketClient } from '../../testing/socket-client.ts';
import type { System } from '../../testing/start-system.ts';
import { Receiver } from '../../testing/webhook-receiver.ts';
import { percentile } from '../calculate.ts';
import { ATTACKER, attackInProcess } from './attacker.ts';
import type { BenchRun } from './bench-run.ts';
import { JobWatcher } from './job-watcher.ts';
import { eventBroker } from './page.ts';
import { residentMemory } from './processes.ts';
import { digits, median, type Section } from './report.ts';
import { formOf, inBatches, send, testImageForm, upload, type Form } from './traffic.ts';

const ROUNDS = 2;
const WARM_UP_S = 8;
const SECONDS = 10;
const PROBE_MS = 100;
const CLIENT = '127.0.0.2';
const clientAgent = new Agent({ keepAlive: true, localAddress: CLIENT });
const attackerAgent = new Agent({ localAddress: ATTACKER });

const HOST = 'Host: localhost\r\n';
const UPGRADE = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n';
/** As many short job ids as fit into a request head. */
const HANDSHAKE = `GET /ws?${'job_id=7&'.repeat(1_700)} HTTP/1.1\r\n${HOST}${UPGRADE}Sec-WebSocket-Key: ${'A'.repeat(22)}==\r\n\r\n`;
const HALF_SENT = 'GET /livez HTTP/1.1\r\nHost: local';
const UNKNOWN_THUMBNAIL = `GET /thumbnail/00000000-0000-7000-8000-000000000000 HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`;

/** A system, and what an ordinary client uses to wait for the end of its jobs. */
interface Scene {
  readonly system: System;
  readonly watcher: JobWatcher;
  readonly receiver: Receiver;
  /** Emits the path of each webhook of the client. */
  readonly webhooks: EventEmitter;
}

/**
 * Prepares an attack, before the quiet measurement. Returns how to begin it: that resolves once the others can be measured.
 * What is added to `end` ends it.
 */
type Attack = (scene: Scene) => Promise<Begin>;
type Begin = (end: DisposableStack) => Promise<void>;

const attacks: Readonly<Record<string, Attack>> = {
  // How much two measurements differ without one.
  nothing: () => Promise.resolve(() => Promise.resolve()),
  '200 handshakes with 1,700 jobs each': flood('notification', 200, HANDSHAKE),
  '2,105 half-sent requests to notification': flood('notification', 2_105, HALF_SENT),
  '2,105 half-sent requests to api': flood('api', 2_105, HALF_SENT),
  '500 sockets that replay all events and read nothing': replays,
  '264 hanging webhook receivers': hangingReceivers,
  '200 slow readers of a 9 MB original': slowReaders,
  '900 thumbnails of unknown jobs': flood('api', 900, UNKNOWN_THUMBNAIL),
};

const TIMES = ['upload', 'status', 'event', 'webhook'] as const;
const SERVICES = ['api', 'notification'] as const;
const COLUMNS = [...TIMES.map((time) => `${time} p95 ms`), ...SERVICES.map((name) => `RSS ${name} MiB`)];
type Times = Readonly<Record<(typeof TIMES)[number], number>>;
/** What was measured in some seconds: the times of each probe, and the largest memory of each service in MiB. */
interface Measured {
  readonly probes: readonly Times[];
  readonly memory: readonly number[];
}
type Compared = Readonly<Record<'quiet' | 'during', Measured>>;

/** What another client and the services notice of each attack: each in a new system, compared with the quiet before it. */
export async function measureAttacks(bench: BenchRun): Promise<Section> {
  const found = new Map(Object.keys(attacks).map((name) => [name, [] as Compared[]]));
  for (let round = 1; round <= ROUNDS; round++) {
    for (const [name, attack] of Object.entries(attacks)) {
      const compared = await bench.during(
        () => startScene(bench),
        (scene) => measureAttack(scene, attack),
      );
      found.get(name)?.push(compared);
      bench.say(`round ${round}, ${name}: ${cells([compared]).join(' ')}`);
    }
  }
  return {
    columns: ['attack', ...COLUMNS.flatMap((column) => [column, '÷ quiet'])],
    rows: [...found].map(([name, rounds]) => [name, ...cells(rounds)]),
  };
}

/** Each column, and its ratio to the quiet system. */
function cells(rounds: readonly Compared[]): string[] {
  const quiet = columnsOf(rounds.map((round) => round.quiet));
  return columnsOf(rounds.map((round) => round.during)).flatMap((value, column) => [
    digits(value),
    digits(value / (quiet[column] ?? Number.NaN)),
  ]);
}

/** The p95 of the probes of all rounds together, because there are few of each round; the median of the memory. */
function columnsOf(rounds: readonly Measured[]): number[] {
  const probes = rounds.flatMap((round) => round.probes);
  const p95 = (time: keyof Times) =>
    percentile(
      probes.map((times) => times[time]),
      0.95,
    );
  const memory = SERVICES.map((_, index) => median(rounds.map((round) => round.memory[index] ?? Number.NaN)));
  return [...TIMES.map(p95), ...memory];
}

async function startScene(bench: BenchRun): Promise<Scene & AsyncDisposable> {
  await using cleanup = new AsyncDisposableStack();
  const receiver = cleanup.adopt(await Receiver.start('0.0.0.0'), (opened) => opened.stop());
  const webhooks = new EventEmitter().setMaxListeners(0);
  receiver.respondWith([], ({ headers, url = '' }, response) => {
    if (headers.host?.startsWith(CLIENT) === true) webhooks.emit(url, response.writeHead(204).end());
  });
  const environment = () => ({
    WEBHOOK_SECRET: `whsec_${randomBytes(32).toString('base64')}`,
    WEBHOOK_ALLOWED_HOSTS: '127.0.0.0/8',
    WEBHOOK_TIMEOUT_MS: '20000',
  });
  const options = { name: 'attacks', workers: 1, slots: 2, environment };
  const system = cleanup.use(await bench.startSystem(options));
  const watcher = cleanup.use(await JobWatcher.open(system.notificationUrl, { localAddress: CLIENT }));
  const all = cleanup.move();
  return { system, watcher, receiver, webhooks, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

async function measureAttack(scene: Scene, attack: Attack): Promise<Compared> {
  const begin = await attack(scene);
  await measure(scene, WARM_UP_S);
  const quiet = await measure(scene, SECONDS);
  using end = new DisposableStack();
  await begin(end);
  return { quiet, during: await measure(scene, SECONDS) };
}

/** Probes at fixed times, however long earlier ones take: a service that stops for a second delays ten of them. */
async function measure(scene: Scene, seconds: number): Promise<Measured> {
  const pids = new Map(scene.system.services.map(({ name, pid = 0 }) => [name, pid]));
  const memory: ReadonlyMap<string, number>[] = [];
  const probes: Promise<Times>[] = [];
  const began = performance.now();
  for (let due = began; due < began + seconds * 1_000; due += PROBE_MS) {
    await sleep(Math.max(0, due - performance.now()));
    if (probes.length % 10 === 0) memory.push(await residentMemory(pids));
    probes.push(probe(scene));
  }
  const largest = (name: string) => Math.max(...memory.map((bytes) => bytes.get(name) ?? 0)) / 1024 ** 2;
  return { probes: await Promise.all(probes), memory: SERVICES.map(largest) };
}

/** One upload, one status call, and the waits from the outcome to its event and its webhook. */
async function probe({ system, watcher, receiver, webhooks }: Scene): Promise<Times> {
  const path = `/${randomUUID()}`;
  const signal = AbortSignal.timeout(30_000);
  const notified = once(webhooks, path, { signal }).then(Date.now, () => Infinity);
  try {
    const began = performance.now();
    const { jobId } = await upload(system.apiUrl, smallImage(CLIENT, receiver, path), clientAgent);
    const accepted = performance.now();
    const { status } = await send(`${system.apiUrl}/status/${jobId}`, undefined, clientAgent);
    if (status !== 200) throw new Error(`The status call returned ${status}.`);
    const known = performance.now();
    const { endedAt, receivedAt } = await watcher.ended(jobId);
    return {
      upload: accepted - began,
      status: known - accepted,
      event: receivedAt - endedAt,
      webhook: (await notified) - endedAt,
    };
  } catch (error) {
    console.error(`  A request of the client failed: ${String(error)}`);
    return { upload: Infinity, status: Infinity, event: Infinity, webhook: Infinity };
  }
}

function smallImage(host: string, { port }: Receiver, path = '/'): Form {
  const fields = { callback_url: `http://${host}:${port}${path}` };
  return testImageForm('orientation-1.jpg', 'image/jpeg', 'resize:400x300', fields);
}

function flood(service: 'api' | 'notification', count: number, bytes: string): Attack {
  return ({ system }) =>
    Promise.resolve((end) =>
      attackInProcess({ kind: 'flood', port: system[service].port, count, bytes }, end),
    );
}

async function replays({ system }: Scene): Promise<Begin> {
  const { port } = system.notification;
  const watching = await SocketClient.open(port, '?job_id=*');
  const broker = eventBroker(system.node.amqpUrl);
  await broker.start();
  const publish = () => broker.publisher.publish(eventMessage(queuedEvent(someRequest())));
  await publish();
  await watching.take(2);
  const message = JSON.stringify({ type: 'subscribe', job_id: '*', last_event_id: watching.lastEventId });
  await watching.close();
  await inBatches(4_000, publish);
  await broker.stop();
  return (end) => attackInProcess({ kind: 'replays', port, message }, end);
}

/** The jobs of the attacker have ended before the others are measured; the receivers hang until the end. */
function hangingReceivers({ system, watcher, receiver }: Scene): Promise<Begin> {
  return Promise.resolve(() =>
    inBatches(264, async (index) => {
      const form = smallImage(`127.0.${1 + (index % 3)}.${1 + Math.floor(index / 3)}`, receiver);
      const { jobId } = await upload(system.apiUrl, form, attackerAgent);
      await watcher.ended(jobId);
    }),
  );
}

async function slowReaders(scene: Scene): Promise<Begin> {
  const raw = { width: 1_750, height: 1_750, channels: 3 } as const;
  const noise = sharp(randomBytes(raw.width * raw.height * 3), { raw }).png({ compressionLevel: 0 });
  const file = { name: 'noise.png', contentType: 'image/png', bytes: await noise.toBuffer() };
  const form = formOf(file, { operations: 'resize' });
  const { jobId } = await upload(scene.system.apiUrl, form, attackerAgent);
  await scene.watcher.ended(jobId);
  return flood('api', 200, `GET /originals/${jobId} HTTP/1.1\r\n${HOST}\r\n`)(scene);
}
