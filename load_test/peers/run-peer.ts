import { mkdir, mkdtemp } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findRabbitNode, startRabbitNode } from '../../local/broker/rabbitmq-node.ts';
import { freePort } from '../../local/process/free-port.ts';
import { readTail } from '../../local/process/log-files.ts';
import { spawnService, type ServiceProcessOptions } from '../../local/supervisor/service-process.ts';
import type { EngineName } from '../../worker/engine/engine.ts';
import type { BenchRun } from '../bench/bench-run.ts';
import { send } from '../bench/traffic.ts';
import type { InstalledPeers } from './install-peers.ts';

/** A running system that is compared with the others. */
export interface RunningPeer extends AsyncDisposable {
  readonly url: string;
  /** Process ids by name; all descendants of a process belong to it. */
  readonly pids: ReadonlyMap<'api' | 'worker' | 'broker' | 'other', readonly number[]>;
}

/** Images that each system processes at a time: one more than there are cores, because a job also waits. */
const AT_ONCE = availableParallelism() + 1;

export async function startOurs(bench: BenchRun, engine: EngineName): Promise<RunningPeer> {
  const system = await bench.startSystem({
    name: 'peers',
    workers: 1,
    slots: AT_ONCE,
    monitoring: true,
    environment: () => ({ IMAGE_ENGINE: engine }),
  });
  const running = (services: readonly { readonly pid: number | undefined }[]) =>
    services.flatMap(({ pid }) => pid ?? []);
  return {
    url: system.apiUrl,
    pids: new Map([
      ['api', running([system.api])],
      ['worker', running(system.workers)],
      ['broker', [system.node.process.pid]],
      ['other', running([system.notification, ...system.monitoring])],
    ]),
    [Symbol.asyncDispose]: () => system[Symbol.asyncDispose](),
  };
}

type PeerName = 'fastapi-pika' | 'fastapi-celery' | 'express-bullmq';

export async function startPeer(
  bench: BenchRun,
  name: PeerName,
  peers: InstalledPeers,
): Promise<RunningPeer> {
  const folder = await mkdtemp(join(tmpdir(), `image-pipeline-${name}-`));
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => bench.discard(folder));
  await mkdir(join(folder, 'originals'));
  await mkdir(join(folder, 'results'));
  const [port, redisPort] = [await freePort([], []), await freePort([], [])];
  const cwd = join(peers.folder, name);
  const common = {
    FOLDER: folder,
    PORT: String(port),
    REDIS_PORT: String(redisPort),
    PATH: process.env['PATH'],
  };
  const start = async (program: string, args: readonly string[], env: NodeJS.ProcessEnv) => {
    const logFile = join(folder, 'log');
    const options: ServiceProcessOptions = { program, args, cwd, port, logFile, env: { ...common, ...env } };
    const service = await spawnService(options);
    cleanup.defer(() => service.stop());
    return service.pid;
  };

  const pids = new Map<'api' | 'worker' | 'broker', number[]>();
  if (name === 'express-bullmq') {
    // As BullMQ's documentation advises for production.
    const settings = ['--appendonly', 'yes', '--maxmemory-policy', 'noeviction', '--save', ''];
    const address = ['--port', String(redisPort), '--bind', '127.0.0.1', '--dir', folder];
    pids.set('broker', [await start(peers.redis, [...address, ...settings], {})]);
    pids.set('worker', [await start(process.execPath, ['worker.js'], {})]);
    pids.set('api', [await start(process.execPath, ['api.js'], {})]);
  } else {
    const brokerFolder = join(folder, 'rabbitmq');
    cleanup.defer(async () => (await findRabbitNode(brokerFolder))?.kill());
    const node = await startRabbitNode({ folder: brokerFolder });
    const env = {
      RABBITMQ_URL: `${node.amqpUrl}/%2F`,
      PYTHONPATH: peers.folder,
      PYTHONDONTWRITEBYTECODE: '1',
    };
    const python = join(peers.binaries, 'python');
    const uvicorn = [
      '-m',
      'uvicorn',
      'api:app',
      '--port',
      String(port),
      '--log-level',
      'warning',
      '--no-access-log',
    ];
    pids.set('broker', [node.process.pid]);
    pids.set('worker', []);
    const startWorker = async (args: readonly string[]) => {
      pids.get('worker')?.push(await start(python, args, env));
    };
    if (name === 'fastapi-celery') {
      await startWorker([
        '-m',
        'celery',
        '-A',
        'tasks',
        'worker',
        `--concurrency=${AT_ONCE}`,
        '--loglevel=WARNING',
      ]);
    } else {
      for (let worker = 0; worker < AT_ONCE; worker++) await startWorker(['worker.py']);
    }
    pids.set('api', [await start(python, uvicorn, env)]);
  }
  const url = `http://127.0.0.1:${port}`;
  await untilUp(url, join(folder, 'log'));
  const all = cleanup.move();
  return { url, pids, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

const UP_TIMEOUT_MS = 30_000;

async function untilUp(url: string, logFile: string): Promise<void> {
  const deadline = performance.now() + UP_TIMEOUT_MS;
  for (;;) {
    const response = await send(`${url}/status/${crypto.randomUUID()}`).catch(() => undefined);
    if (response?.status === 200) return;
    if (performance.now() > deadline) throw new Error(`not up after 30 s:\n${await readTail(logFile)}`);
    await sleep(100);
  }
}
