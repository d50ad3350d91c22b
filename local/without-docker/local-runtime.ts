import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { relative } from 'node:path';
import { styleText } from 'node:util';
import { root, runFolder } from '../pipeline/paths.ts';
import { LogFollower, searchLogs, servicesWithLog } from '../process/log-files.ts';
import type { RunningSystem, Runtime } from '../runtime/runtime.ts';
import { ControlClient, isRunning, type ServiceReport, type SystemReport } from '../supervisor/control.ts';
import { stopSystem } from '../supervisor/running-system.ts';
import { duration } from '../terminal/duration.ts';
import { table } from '../terminal/table.ts';
import { UserError } from '../user-error.ts';
import { doctor } from './doctor.ts';
import { ensureUp } from './start.ts';
import { scale, startWorker, stopWorker, workers } from './workers.ts';

/** Without Docker: a RabbitMQ node of its own, a folder as store, the services as processes. */
export const localRuntime: Runtime = {
  kind: 'local',
  async ensureUp() {
    const { report, started } = await ensureUp();
    return { system: systemOf(report), started };
  },
  async running() {
    return systemOf(await new ControlClient(runFolder.socket).ps());
  },
  down,
  ps,
  logs,
  scale,
  stopWorker,
  startWorker,
  workers,
  stopWorkers: { line: 'make scale N=0', run: () => scale(0) },
  startWorkers: (count) => ({ line: `make scale N=${count}`, run: () => scale(count) }),
  doctor,
  clean,
};

function systemOf({ services, addressLines }: SystemReport): RunningSystem {
  const urlOf = (name: string) => {
    const port = services.find((service) => service.name === name)?.port;
    return port === undefined ? undefined : `http://localhost:${port}`;
  };
  const apiUrl = urlOf('api');
  if (apiUrl === undefined) throw new UserError('The system is starting. Try again in a moment.');
  const isReadyWorker = ({ name, state }: ServiceReport) => name.startsWith('worker-') && state === 'ready';
  return {
    apiUrl,
    monitoringUrl: urlOf('monitoring'),
    readyWorkers: services.filter(isReadyWorker).length,
    addressLines,
  };
}

async function down(): Promise<void> {
  console.log(
    (await stop())
      ? 'Stopped. Images and queues are kept. To remove them: make clean'
      : 'The system is not running.',
  );
}

/** @returns whether it was running */
async function stop(): Promise<boolean> {
  if (await isRunning(runFolder.socket)) console.log('Stopping. The workers finish their current jobs …');
  return stopSystem(runFolder);
}

async function clean(): Promise<void> {
  await stop();
  if (!existsSync(runFolder.path)) return;
  await rm(runFolder.path, { recursive: true });
  console.log(`Removed ${relative(root, runFolder.path)}: images, queues and logs. Your .env is kept.`);
}

const columns = [
  { title: 'SERVICE' },
  { title: 'STATE' },
  { title: 'PID', align: 'right' },
  { title: 'PORT', align: 'right' },
  { title: 'UPTIME', align: 'right' },
  { title: 'RESTARTS', align: 'right' },
  { title: '' },
] as const;

async function ps(): Promise<void> {
  const { services } = await new ControlClient(runFolder.socket).ps();
  const rows = services.map(({ name, state, pid, port, uptimeSeconds, restarts, reason }) => [
    name,
    state,
    String(pid ?? '-'),
    String(port ?? '-'),
    uptimeSeconds === undefined ? '-' : duration(uptimeSeconds),
    String(restarts),
    reason ?? '',
  ]);
  const [titles, ...lines] = table(columns, rows);
  console.log(titles);
  for (const [i, line] of lines.entries()) {
    console.log(services[i]?.state === 'ready' ? line : styleText('yellow', line));
  }
}

async function logs(service: string, text: string): Promise<void> {
  const folder = runFolder.logs;
  if ((await servicesWithLog(folder, service)).length === 0) {
    const all = await servicesWithLog(folder, '');
    throw new UserError(
      all.length === 0
        ? 'There are no logs yet. To start the system: make up'
        : `Unknown service ${service}. Services: ${all.join(', ')}`,
    );
  }
  const options = { folder, service, write: (line: string) => console.log(line) };
  if (text !== '') {
    if ((await searchLogs(options, text)) === 0) throw new UserError(`No line of the logs contains ${text}.`);
    return;
  }
  const follower = new LogFollower(options);
  await follower.printNew();
  if (!(await isRunning(runFolder.socket))) {
    console.log('\nThe system is not running. These are the last lines.');
    return;
  }
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  process.once('SIGTERM', () => stop.abort());
  await follower.follow(stop.signal);
}
