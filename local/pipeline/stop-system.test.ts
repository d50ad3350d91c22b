import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, inject, onTestFinished, test } from 'vitest';
import { isAlive } from '../process/identity.ts';
import { waitUntilGone } from '../process/terminate.ts';
import { readState, type State } from '../supervisor/state-file.ts';
import { RunFolder } from '../supervisor/run-folder.ts';
import { tempFolder } from '../../testing/temp-folder.ts';
import { startSystem } from './start-system.ts';
import { runningSystem, systemState } from './running-system.ts';
import { stopSystem } from './stop-system.ts';

async function startedSystem() {
  const folder = await tempFolder();
  const run = new RunFolder(folder.path);
  onTestFinished(async () => {
    await stopSystem(run);
    await folder[Symbol.asyncDispose]();
  });
  process.env.BROKER_FOLDER = inject('broker').folder;
  process.env.RUN_FOLDER = run.path;
  const ready: string[] = [];
  await startSystem({
    run,
    cwd: process.cwd(),
    supervisorScript: join(import.meta.dirname, '../testing/fixture-supervisor.ts'),
    deadlineMs: 20_000,
    onReady: ({ name }) => ready.push(name),
  });
  const state = await readState(run.state);
  if (state === undefined) throw new Error('A running system has written no state.');
  // What a killed service leaves.
  await mkdir(join(run.temp, 'upload'));
  await writeFile(join(run.temp, 'upload', 'file'), 'bytes');
  return { run, state, ready };
}

async function expectNothingLeft(run: RunFolder, { supervisor, services }: State): Promise<void> {
  for (const process of [supervisor, ...services.map((service) => service.process)]) {
    expect(await isAlive(process)).toBe(false);
  }
  expect(existsSync(run.temp)).toBe(false);
  expect(await systemState(run)).toBe('stopped');
  await expect(runningSystem(run)).rejects.toThrow('The system is not running');
}

test('a system outlives the command that started it, and stops whole', async () => {
  const { run, state, ready } = await startedSystem();
  expect(ready.sort()).toEqual(['api', 'rabbitmq', 'worker-1', 'worker-2']);
  expect(state.services).toHaveLength(3);
  expect(await systemState(run)).toBe('running');
  expect(await stopSystem(run)).toEqual({ was: 'running' });
  await expectNothingLeft(run, state);
});

test('what a killed supervisor leaves running is found and stopped', async () => {
  const { run, state } = await startedSystem();
  process.kill(state.supervisor.pid, 'SIGKILL');
  expect(await waitUntilGone(state.supervisor, 5_000)).toBe(true);
  for (const { process } of state.services) expect(await isAlive(process)).toBe(true);
  await expect(runningSystem(run)).rejects.toThrow(
    'To restart the system: make up. To stop what is left: make down',
  );
  expect(await stopSystem(run)).toEqual({ was: 'dead', leftovers: ['api', 'worker-1', 'worker-2'] });
  await expectNothingLeft(run, state);
});
