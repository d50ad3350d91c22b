import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { freePort, portsFrom } from '../process/free-port.ts';
import { tempFolder } from '../../testing/temp-folder.ts';
import { ManagedService } from './managed-service.ts';

/** A fixture service whose working folder is gone, and which has crashed since. */
async function unstartableService() {
  const folder = await tempFolder();
  const cwd = join(folder.path, 'cwd');
  await mkdir(cwd);
  const port = await freePort(portsFrom(21_300), new Set());
  const service = new ManagedService({
    name: 'api',
    port,
    args: [join(import.meta.dirname, '../testing/fixture-service.ts')],
    env: () => ({ PATH: process.env.PATH, NAME: 'api', PORT: String(port) }),
    cwd,
    logFile: join(folder.path, 'api.log'),
    log: () => undefined,
    onChange: () => undefined,
  });
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

async function untilIn(service: ManagedService, report: object): Promise<void> {
  await vi.waitFor(async () => expect(await service.report()).toMatchObject(report), {
    timeout: 10_000,
    interval: 20,
  });
}

test('a service that failed to start again is tried until it can', async () => {
  const { service, cwd } = await unstartableService();
  await mkdir(cwd);
  await untilIn(service, { state: 'ready', restarts: 2 });
});

test('a service that failed to start again can be stopped, and stays so', async () => {
  const { service } = await unstartableService();
  await service.stop();
  expect(await service.report()).toMatchObject({ state: 'stopped', restarts: 2 });
});

test('a service whose first start failed can be stopped', async () => {
  const folder = await tempFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const service = new ManagedService({
    name: 'api',
    port: 0,
    args: [],
    env: () => ({}),
    cwd: join(folder.path, 'missing'),
    logFile: join(folder.path, 'api.log'),
    log: () => undefined,
    onChange: () => undefined,
  });
  await expect(service.start()).rejects.toThrow('ENOENT');
  await service.stop();
  expect(await service.report()).toMatchObject({ state: 'stopped' });
});
