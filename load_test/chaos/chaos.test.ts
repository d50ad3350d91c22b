import { expect, it, onTestFailed } from 'vitest';
import { startChaosSystem } from './chaos-system.ts';
import { reportTable } from './check-evidence.ts';
import type { ScheduledFault } from './faults.ts';
import { runScenario } from './run-scenario.ts';
import { mix } from './scenarios/all.ts';

const JOBS = 30;
const SECONDS = 8;
const SEED = 42;
const schedule: readonly ScheduledFault[] = [
  { kind: 'kill worker', worker: 1, atMs: 1_500 },
  { kind: 'close connections', atMs: 3_000 },
  { kind: 'kill worker', worker: 2, atMs: 4_500 },
  { kind: 'store unavailable', forMs: 2_000, atMs: 6_000 },
];

it('loses nothing while workers are killed, connections are closed and the store is unavailable', async () => {
  await using system = await startChaosSystem({ store: 'folder', workers: 2, say: () => undefined });
  onTestFailed(() => {
    system.services.keepFolder();
    console.error(`The logs of the services are in ${system.services.folder}/logs`);
  });
  const scenario = mix('short', 'a little of everything', { jobs: JOBS, seconds: SECONDS }, schedule);
  const { report, reasons } = await runScenario(scenario, system, SEED, () => undefined);
  expect(reasons).toEqual([]);
  expect(report?.violations, report && reportTable(report)).toEqual([]);
  expect(report?.counts).toMatchObject({
    accepted: JOBS,
    open: 0,
    lost: 0,
    'double outcomes': 0,
    unacked: 0,
  });
}, 300_000);
