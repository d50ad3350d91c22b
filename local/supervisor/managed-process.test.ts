import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { freePort, portsFrom } from '../process/free-port.ts';
import { tempFolder } from '../../testing/temp-folder.ts';
import { exitsInARow, ManagedProcess, restartDelay } from './managed-process.ts';
import { probe } from './probe.ts';
import { spawnService } from './service-process.ts';

/** The fixture service on this port, in this working folder. */
function managedFixture(port: number, cwd: string): ManagedProcess {
  const logFile = `${cwd}.log`;
  return new ManagedProcess({
    name: 'api',
    logFile,
    launch: () =>
      spawnService({
        args: [join(import.meta.dirname, '../testing/fixture-service.ts')],
        env: { PATH: process.env.PATH, NAME: 'api', PORT: String(port) },
        cwd,
        logFile,
        port,
      }),
    probe: () => probe(port),
  });
}

/** A fixture service that has crashed after its working folder was removed. */
async function unstartableService() {
  const folder = await tempFolder();
  const cwd = join(folder.path, 'cwd');
  await mkdir(cwd);
  const port = await freePort(portsFrom(21_300), new Set());
  const service = managedFixture(port, cwd);
  onTestFinished(async () => {
    await service.stop();
    await folder[Symbol.asyncDispose]();
  });
  await service.start();
  await untilIn(service, { state: 'ready' });
  await rm(cwd, { recursive: true });
  await fetch(`http://127.0.0.1:${port}/crash`).catch(() => undefined);
  await untilIn(service, { restarts: 2, reason: expect.stringContaining('failed to start') as unknown });
  return { service, cwd };
}

async function untilIn(service: ManagedProcess, report: object): Promise<void> {
  await vi.waitFor(async () => expect(await service.report()).toMatchObject(report), {
    timeout: 10_000,
    interval: 20,
  });
}

test('a service that failed to restart is tried again until it starts', async () => {
  const { service, cwd } = await unstartableService();
  await mkdir(cwd);
  await untilIn(service, { state: 'ready', restarts: 2 });
});

test('a service that failed to restart can be stopped, and stays stopped', async () => {
  const { service } = await unstartableService();
  await service.stop();
  expect(await service.report()).toMatchObject({ state: 'stopped', restarts: 2 });
});

test('a service whose first start failed can be stopped', async () => {
  const folder = await tempFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const service = managedFixture(0, join(folder.path, 'missing'));
  await expect(service.start()).rejects.toThrow('ENOENT');
  await service.stop();
  expect(await service.report()).toMatchObject({ state: 'stopped' });
});

test('restart delays double up to half a minute', () => {
  expect([1, 2, 3, 7, 50].map(restartDelay)).toEqual([500, 1_000, 2_000, 30_000, 30_000]);
});

test('after a healthy minute the restart delay starts from the beginning', () => {
  expect(exitsInARow(4, 59_000)).toBe(5);
  expect(exitsInARow(4, 60_000)).toBe(1);
});
