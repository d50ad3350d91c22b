import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { readdir } from 'node:fs/promises';
import { expect, inject, onTestFinished, test, vi } from 'vitest';
import { borrowedBroker, fixturePlan, fixtureService } from '../testing/fixture-plan.ts';
import { isFree } from '../../testing/is-free.ts';
import { tempFolder } from '../../testing/temp-folder.ts';
import type { ServiceReport } from './control.ts';
import type { Readiness } from './probe.ts';
import { RunFolder } from './run-folder.ts';
import { Supervisor } from './supervisor.ts';
import type { Broker, SystemPlan } from './system-plan.ts';

const broker = inject('broker');

/** A system of fixture services that is stopped at the end of the test; nothing of it may be left then. */
async function startedSystem(changes: Partial<SystemPlan> = {}) {
  const folder = await tempFolder();
  const run = new RunFolder(folder.path);
  await run.create();
  const log: string[] = [];
  const supervisor = new Supervisor({
    plan: fixturePlan(broker.folder, changes),
    run,
    cwd: process.cwd(),
    log: (line) => log.push(line),
  });
  onTestFinished(async () => {
    const { services } = await supervisor.report();
    await supervisor.stop();
    expect(await readdir(run.path)).toEqual(['logs', 'store']);
    for (const { name, port } of services) {
      if (name !== 'rabbitmq' && port !== undefined) expect(await isFree(port)).toBe(true);
    }
    await folder[Symbol.asyncDispose]();
  });
  await supervisor.start();
  return { supervisor, log };
}

async function states(supervisor: Supervisor): Promise<Record<string, ServiceReport['state']>> {
  const { services } = await supervisor.report();
  return Object.fromEntries(services.map(({ name, state }) => [name, state]));
}

async function untilAllReady(supervisor: Supervisor): Promise<void> {
  await vi.waitFor(
    async () => {
      for (const state of Object.values(await states(supervisor))) expect(state).toBe('ready');
    },
    { timeout: 10_000, interval: 50 },
  );
}

async function serviceNamed(supervisor: Supervisor, name: string): Promise<ServiceReport> {
  const service = (await supervisor.report()).services.find((one) => one.name === name);
  if (service === undefined) throw new Error(`There is no ${name}.`);
  return service;
}

/** Only the process of a broker: the tests are about when it is started. */
async function standInBroker(): Promise<Broker> {
  const child = spawn('sleep', ['60']);
  await once(child, 'spawn');
  const exited = once(child, 'exit').then(() => ({ code: null, signal: null }));
  return {
    pid: child.pid ?? Number.NaN,
    port: 0,
    exited,
    ports: { management: 0, prometheus: 0 },
    amqpUrl: 'amqp://localhost',
    managementUrl: 'http://localhost',
    probe: () => Promise.resolve({ ready: true }),
    stop: async () => {
      child.kill();
      await exited;
    },
  };
}

test('a service that crashes is restarted on its port', async () => {
  const { supervisor, log } = await startedSystem();
  await untilAllReady(supervisor);
  const before = await serviceNamed(supervisor, 'api');
  await fetch(`http://127.0.0.1:${before.port ?? 0}/crash`).catch(() => undefined);
  await vi.waitFor(async () => expect((await serviceNamed(supervisor, 'api')).restarts).toBe(1), 5_000);
  await untilAllReady(supervisor);
  const after = await serviceNamed(supervisor, 'api');
  expect(after.port).toBe(before.port);
  expect(after.pid).not.toBe(before.pid);
  expect(log).toContainEqual(expect.stringContaining('api exited (exit code 1); restarting in 0.5 s'));
});

test('a broker that dies is restarted on its ports', async () => {
  const starts: boolean[] = [];
  const { supervisor } = await startedSystem({
    startBroker: (again) => {
      starts.push(again);
      return standInBroker();
    },
  });
  const before = await serviceNamed(supervisor, 'rabbitmq');
  process.kill(before.pid ?? Number.NaN, 'SIGKILL');
  await vi.waitFor(async () => {
    expect(await serviceNamed(supervisor, 'rabbitmq')).toMatchObject({ state: 'ready', restarts: 1 });
  }, 5_000);
  expect(starts).toEqual([false, true]);
});

test('a service that cannot be stopped does not keep the others running', async () => {
  await using folder = await tempFolder();
  const run = new RunFolder(folder.path);
  await run.create();
  let isBrokerUp = true;
  const supervisor = new Supervisor({
    plan: fixturePlan(broker.folder, {
      startBroker: async () => {
        const standIn = await standInBroker();
        return { ...standIn, stop: () => standIn.stop().then(() => void (isBrokerUp = false)) };
      },
    }),
    run,
    cwd: process.cwd(),
    log: (line) => {
      if (line === 'worker-1 stopped') throw new Error('no room for the log');
    },
  });
  await supervisor.start();
  await untilAllReady(supervisor);
  const { services } = await supervisor.report();
  await expect(supervisor.stop()).rejects.toMatchObject({ errors: [new Error('no room for the log')] });
  expect(isBrokerUp).toBe(false);
  for (const { port } of services) expect(await isFree(port ?? 0)).toBe(true);
});

test('a service that is not ready gives the reason and keeps running', async () => {
  const { supervisor } = await startedSystem();
  await untilAllReady(supervisor);
  const before = await serviceNamed(supervisor, 'api');
  await fetch(`http://127.0.0.1:${before.port ?? 0}/unready`);
  const after = await serviceNamed(supervisor, 'api');
  expect(after).toMatchObject({ state: 'not ready', reason: 'as requested', pid: before.pid, restarts: 0 });
});

test('a service with an invalid configuration is not restarted', async () => {
  const { supervisor } = await startedSystem({
    services: [fixtureService('api', 21_200, { EXIT_AT_ONCE: '78' })],
  });
  await vi.waitFor(async () => expect((await serviceNamed(supervisor, 'api')).state).toBe('failed'), 5_000);
  expect(await serviceNamed(supervisor, 'api')).toMatchObject({ restarts: 0 });
});

test('scaling starts missing workers and stops the newest ones', async () => {
  const { supervisor } = await startedSystem({ workers: 1 });
  expect(await supervisor.withWorkers((workers) => workers.scale(3))).toEqual({
    started: ['worker-2', 'worker-3'],
    stopped: [],
  });
  await untilAllReady(supervisor);
  expect(await supervisor.withWorkers((workers) => workers.scale(1))).toEqual({
    started: [],
    stopped: ['worker-2', 'worker-3'],
  });
  expect(Object.keys(await states(supervisor))).toEqual(['rabbitmq', 'api', 'worker-1']);
});

test('stop-worker stops exactly one, the newest, until it is started again', async () => {
  const { supervisor } = await startedSystem();
  await untilAllReady(supervisor);
  const other = await serviceNamed(supervisor, 'worker-1');
  expect(await supervisor.withWorkers((workers) => workers.stopNewest())).toBe('worker-2');
  expect(await states(supervisor)).toMatchObject({ 'worker-1': 'ready', 'worker-2': 'stopped' });
  expect((await serviceNamed(supervisor, 'worker-1')).pid).toBe(other.pid);
  expect(await supervisor.withWorkers((workers) => workers.startOne())).toBe('worker-2');
  await untilAllReady(supervisor);
});

test('workers restart with another number of slots, also those that start later, until the change is undone', async () => {
  const { supervisor } = await startedSystem({ workers: 1 });
  await untilAllReady(supervisor);
  const slotsOf = async (name: string): Promise<unknown> => {
    const { port } = await serviceNamed(supervisor, name);
    return (await fetch(`http://127.0.0.1:${port ?? 0}/readyz`)).json();
  };
  await supervisor.setSlots(1);
  await supervisor.withWorkers((workers) => workers.scale(2));
  await untilAllReady(supervisor);
  expect(await slotsOf('worker-1')).toEqual({ status: 'ready', slots: '1' });
  expect(await slotsOf('worker-2')).toEqual({ status: 'ready', slots: '1' });
  await supervisor.setSlots(undefined);
  await untilAllReady(supervisor);
  expect(await slotsOf('worker-1')).toEqual({ status: 'ready' });
});

test('a service gets the next port if its own is taken', async () => {
  const stranger = createServer().listen(0, '127.0.0.1');
  await once(stranger, 'listening');
  const { port } = stranger.address() as AddressInfo;
  const { supervisor } = await startedSystem({ services: [fixtureService('api', port)] });
  expect((await serviceNamed(supervisor, 'api')).port).toBeGreaterThan(port);
  await untilAllReady(supervisor);
  stranger.close();
});

test('a broker that does not respond is not ready', async () => {
  let responds = true;
  const startBroker = async () => ({
    ...(await borrowedBroker(broker.folder)),
    probe: (): Promise<Readiness> =>
      Promise.resolve(responds ? { ready: true } : { ready: false, reason: 'not responding' }),
  });
  const { supervisor } = await startedSystem({ startBroker });
  await untilAllReady(supervisor);
  responds = false;
  expect(await serviceNamed(supervisor, 'rabbitmq')).toMatchObject({
    state: 'not ready',
    reason: 'not responding',
  });
});
