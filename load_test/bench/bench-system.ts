import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureRabbitmq } from '../../local/broker/ensure-rabbitmq.ts';
import { startRabbitNode } from '../../local/broker/rabbitmq-node.ts';
import { nodeFlags } from '../../local/pipeline/node-flags.ts';
import { freePort } from '../../local/process/free-port.ts';

const ROOT = join(import.meta.dirname, '../..');
const READY_TIMEOUT_MS = 60_000;

/** A system that a benchmark has to itself: a RabbitMQ node, a folder as store, one process a service. */
export interface BenchSystem extends AsyncDisposable {
  readonly apiUrl: string;
  readonly notificationUrl: string;
  /** Process ids by service. */
  readonly pids: ReadonlyMap<string, number>;
}

/** @param slots images that the one worker works on at once */
export async function startBenchSystem(slots: number): Promise<BenchSystem> {
  await ensureRabbitmq();
  const folder = await mkdtemp(join(tmpdir(), 'image-pipeline-bench-'));
  const broker = await startRabbitNode({ folder: join(folder, 'rabbitmq') });
  const api = await freePort([], []);
  const notification = await freePort([], [api]);
  const worker = await freePort([], [api, notification]);
  const env = {
    ...process.env,
    LOG_LEVEL: 'warn',
    RABBITMQ_URL: broker.amqpUrl,
    STORE: 'folder',
    STORE_FOLDER: join(folder, 'store'),
    API_PORT: String(api),
    NOTIFICATION_PORT: String(notification),
    WORKER_PORT: String(worker),
    WORKER_NAME: 'worker-1',
    MAX_CONCURRENT_JOBS: String(slots),
    RATE_LIMIT_PER_MINUTE: '0',
  };
  const services = new Map<string, ChildProcess>();
  for (const name of ['api', 'notification', 'worker']) {
    const log = openSync(join(folder, `${name}.log`), 'a');
    services.set(
      name,
      spawn(process.execPath, [...nodeFlags, `${name}/main.ts`], {
        cwd: ROOT,
        env,
        stdio: ['ignore', log, log],
      }),
    );
  }
  const stop = async () => {
    await Promise.all([...services.values()].map(stopProcess));
    await broker.kill();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await Promise.all([api, notification, worker].map(untilReady));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    apiUrl: `http://127.0.0.1:${api}`,
    notificationUrl: `ws://127.0.0.1:${notification}`,
    pids: new Map([...services].map(([name, child]) => [name, child.pid ?? 0])),
    [Symbol.asyncDispose]: stop,
  };
}

async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

async function untilReady(port: number): Promise<void> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  for (;;) {
    const ready = await fetch(`http://127.0.0.1:${port}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (ready) return;
    if (performance.now() > deadline) throw new Error(`nothing is ready on port ${port}`);
    await sleep(100);
  }
}
