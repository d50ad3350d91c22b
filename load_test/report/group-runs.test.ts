import { describe, expect, it } from 'vitest';
import type { LoadTestResult } from '../result.ts';
import { groupRuns, typicalRun } from './group-runs.ts';
import { runWith, onlyTest } from './testing/results.ts';
import { simulateBulk, simulateExperiment } from './testing/simulate.ts';

const group = (...results: LoadTestResult[]) =>
  groupRuns(results.map((result) => ({ file: 'run.json', result })));
const machine = { platform: 'darwin-arm64', cores: 8, memory_bytes: 16 * 1024 ** 3, load_average: 1 };

describe('grouping runs', () => {
  it('makes one test of an experiment, with its repeats by number of slots', () => {
    const { test } = onlyTest(simulateExperiment());
    expect(test.settings.map(({ slots, runs }) => [slots, runs.length])).toEqual([
      [1, 3],
      [2, 3],
      [3, 3],
      [5, 3],
    ]);
  });

  it('separates machines', () => {
    const { machines } = group(
      simulateBulk(),
      simulateBulk({}, 100, { machine }),
      simulateBulk({}, 100, { machine: null }),
    );
    expect(machines.map((one) => one.machine)).toEqual([
      { label: 'linux-x64, 2 cores, 8 GiB', cores: 2 },
      { label: 'darwin-arm64, 8 cores, 16 GiB', cores: 8 },
      { label: 'unknown machine', cores: null },
    ]);
  });

  it('distinguishes equal machines by their hosts', () => {
    const hosts = ['aaaaaaaaaa', 'bbbbbbbbbb', null].map((host) => simulateBulk({}, 100, { host }));
    expect(group(...hosts).machines.map((one) => one.machine.label)).toEqual([
      'linux-x64, 2 cores, 8 GiB, host aaaaaaaa',
      'linux-x64, 2 cores, 8 GiB, host bbbbbbbb',
      'linux-x64, 2 cores, 8 GiB, host unknown',
    ]);
  });

  it('assigns a run of an unknown host to the only known host', () => {
    const { machines } = group(simulateBulk({}, 100, { host: 'aaaa' }), simulateBulk());
    expect(machines).toMatchObject([{ machine: { label: 'linux-x64, 2 cores, 8 GiB' }, runs: [{}, {}] }]);
  });

  it('separates runtimes and versions, but not versions of k6', () => {
    const versions = { pipeline: '0.1.0', node: '24.21.0', rabbitmq: '4.1.0', k6: '1.1.0' };
    const { machines } = group(
      simulateBulk({}, 100, { runtime: 'local' }),
      simulateBulk({}, 100, { runtime: 'local', versions: { ...versions, k6: '2.0.0' } }),
      simulateBulk({}, 100, { runtime: 'compose' }),
      simulateBulk({}, 100, { runtime: 'local', versions: { ...versions, rabbitmq: '4.2.0' } }),
    );
    expect(
      machines[0]?.tests.map(({ environment, settings }) => [environment.runtime, settings[0]?.runs.length]),
    ).toEqual([
      ['local', 2],
      ['compose', 1],
      ['local', 1],
    ]);
  });

  it('separates different parameters, independent of their order', () => {
    const { machines } = group(
      simulateBulk({}, 100, { parameters: { COUNT: 100, OPERATIONS: 'resize' } }),
      simulateBulk({}, 100, { parameters: { OPERATIONS: 'resize', COUNT: 100 } }),
      simulateBulk({}, 100, { parameters: { COUNT: 100, OPERATIONS: 'watermark' } }),
    );
    expect(machines[0]?.tests.map(({ settings }) => settings[0]?.runs.length)).toEqual([2, 1]);
  });

  it('ignores parameters that do not change the test, such as the address of the API', () => {
    const parametersOf = (API_URL: string) => ({ parameters: { COUNT: 100, API_URL } });
    const { machines } = group(
      simulateBulk({}, 100, parametersOf('http://localhost:8000')),
      simulateBulk({}, 100, parametersOf('http://localhost:8010')),
    );
    expect(machines[0]?.tests).toHaveLength(1);
  });

  it('joins the same number of slots from different workers, and names both layouts', () => {
    const { test } = onlyTest([
      simulateBulk({ workers: 2, slots: 1 }),
      simulateBulk({ workers: 1, slots: 2 }),
    ]);
    expect(test.settings).toMatchObject([{ slots: 2, layouts: ['1 × 2', '2 × 1'] }]);
  });

  it('ignores warm-up runs and separates interrupted ones', () => {
    const warmUp = simulateBulk({}, 10, { experiment: { name: 'workers', repeat: 1, warm_up: true } });
    const { machines, warmUps } = group(
      warmUp,
      simulateBulk(),
      simulateBulk({}, 100, { stopped: 'interrupted' }),
    );
    expect(warmUps).toBe(1);
    expect(machines[0]?.tests).toMatchObject([{ settings: [{ runs: [{}] }], interrupted: [{}] }]);
  });

  it('separates runs with lost or unread jobs', () => {
    const { machines } = group(
      simulateBulk(),
      simulateBulk({}, 100, { lost: 1 }),
      simulateBulk({}, 100, { unread: 1 }),
    );
    expect(machines[0]?.tests).toMatchObject([{ settings: [{ runs: [{}] }], incomplete: [{}, {}] }]);
  });

  it('takes the run in the middle by throughput as the typical one', () => {
    const { test } = onlyTest([
      runWith(2, 6, { repeat: 1 }),
      runWith(2, 4, { repeat: 2 }),
      runWith(2, 5, { repeat: 3 }),
    ]);
    const [setting] = test.settings;
    expect(setting && typicalRun(setting)?.throughput).toBeCloseTo(5, 2);
  });
});
