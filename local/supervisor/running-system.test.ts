import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, inject, onTestFinished, test, vi } from 'vitest';
import { identify, isAlive, type ProcessIdentity } from '../process/identity.ts';
import { tempFolder } from '../../testing/temp-folder.ts';
import { ControlClient, isRunning } from './control.ts';
import { RunFolder } from './run-folder.ts';
import { startSystem, stopSystem } from './running-system.ts';

/** A folder in which a system of fixture services can be started. */
async function emptyRunFolder(): Promise<RunFolder> {
  const folder = await tempFolder();
  const run = new RunFolder(folder.path);
  onTestFinished(async () => {
    await stopSystem(run);
    await folder[Symbol.asyncDispose]();
  });
  process.env.BROKER_FOLDER = inject('broker').folder;
  process.env.RUN_FOLDER = run.path;
  return run;
}

async function start(run: RunFolder): Promise<string[]> {
  const ready: string[] = [];
  await startSystem({
    run,
    cwd: process.cwd(),
    supervisorScript: join(import.meta.dirname, '../testing/fixture-supervisor.ts'),
    deadlineMs: 20_000,
    onReady: ({ name }) => ready.push(name),
  });
  return ready.sort();
}

async function supervisorOf(run: RunFolder): Promise<number> {
  return Number(await readFile(run.pidFile, 'utf8'));
}

/** The processes of the supervisor, the api and the workers. */
async function processesOf(run: RunFolder): Promise<ProcessIdentity[]> {
  const { services } = await new ControlClient(run.socket).ps();
  const own = services.filter(({ name }) => name !== 'rabbitmq').map(({ pid }) => pid ?? Number.NaN);
  const found = await Promise.all([await supervisorOf(run), ...own].map(identify));
  expect(found).toHaveLength(4);
  return found.map((identity) => {
    if (identity === undefined) throw new Error('A process of the running system is missing.');
    return identity;
  });
}

async function expectNothingLeft(run: RunFolder, processes: readonly ProcessIdentity[]): Promise<void> {
  await vi.waitFor(async () => {
    for (const process of processes) expect(await isAlive(process)).toBe(false);
  }, 5_000);
  expect(existsSync(run.temp)).toBe(false);
  expect(await isRunning(run.socket)).toBe(false);
  await expect(new ControlClient(run.socket).ps()).rejects.toThrow('The system is not running');
}

/** What a killed service leaves. */
async function leaveTemporaryFile(run: RunFolder): Promise<void> {
  await mkdir(join(run.temp, 'upload'));
  await writeFile(join(run.temp, 'upload', 'file'), 'bytes');
}

test('a system outlives the command that started it, and stops completely', async () => {
  const run = await emptyRunFolder();
  expect(await start(run)).toEqual(['api', 'rabbitmq', 'worker-1', 'worker-2']);
  const processes = await processesOf(run);
  await leaveTemporaryFile(run);
  expect(await isRunning(run.socket)).toBe(true);
  expect(await stopSystem(run)).toBe(true);
  await expectNothingLeft(run, processes);
});

test('when the supervisor is killed, its services stop, and the system can be started again', async () => {
  const run = await emptyRunFolder();
  await start(run);
  const processes = await processesOf(run);
  await leaveTemporaryFile(run);
  process.kill(await supervisorOf(run), 'SIGKILL');
  await vi.waitFor(async () => {
    for (const process of processes) expect(await isAlive(process)).toBe(false);
  }, 10_000);
  expect(await stopSystem(run)).toBe(false);
  await expectNothingLeft(run, processes);
  expect(await start(run)).toEqual(['api', 'rabbitmq', 'worker-1', 'worker-2']);
});

test('a supervisor that does not respond is killed, and its services stop', async () => {
  const run = await emptyRunFolder();
  await start(run);
  const processes = await processesOf(run);
  process.kill(await supervisorOf(run), 'SIGSTOP');
  expect(await stopSystem(run)).toBe(true);
  await expectNothingLeft(run, processes);
});

test('only the user of a system can read its files, also in the folder of an earlier version', async () => {
  const run = await emptyRunFolder();
  await chmod(run.path, 0o755);
  await start(run);
  const modeOf = async (path: string) => (await stat(path)).mode & 0o777;
  for (const folder of [run.path, run.logs, run.store]) expect(await modeOf(folder)).toBe(0o700);
  expect(await modeOf(run.log('supervisor'))).toBe(0o600);
  expect(await modeOf(run.log('api'))).toBe(0o600);
  expect(await modeOf(run.pidFile)).toBe(0o600);
});

test('two starts at once give one system', async () => {
  const run = await emptyRunFolder();
  const all = ['api', 'rabbitmq', 'worker-1', 'worker-2'];
  expect(await Promise.all([start(run), start(run)])).toEqual([all, all]);
  const processes = await processesOf(run);
  await stopSystem(run);
  await expectNothingLeft(run, processes);
});

test('a system of another version of this code is named as the problem', async () => {
  const run = await emptyRunFolder();
  await run.create();
  const other = createServer((_, response) => response.end('{"phase":"running"}')).listen(run.socket);
  onTestFinished(() => {
    other.closeAllConnections();
    other.close();
  });
  await vi.waitFor(async () => expect(await isRunning(run.socket)).toBe(true));
  await expect(new ControlClient(run.socket).ps()).rejects.toThrow('To restart it: make down, then make up');
});
