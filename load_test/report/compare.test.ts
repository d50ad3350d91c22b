import { describe, expect, it } from 'vitest';
import type { LoadTestResult } from '../result.ts';
import { compare } from './compare.ts';
import { comparisonLines } from './print.ts';
import { runWith } from './testing/results.ts';
import { simulateBulk, simulateBursts, simulateCapacity, simulateExperiment } from './testing/simulate.ts';

const files = (results: readonly LoadTestResult[]) =>
  results.map((result) => ({ file: `${result.run_id}.json`, result }));
const compared = (a: readonly LoadTestResult[], b: readonly LoadTestResult[]) => compare(files(a), files(b));
const repeats = (...throughputs: number[]) =>
  throughputs.map((throughput, repeat) => runWith(2, throughput, { repeat }));

describe('comparing two sides', () => {
  it('finds a difference that is beyond the noise of the repeats', () => {
    const [comparison] = compared(repeats(5, 5.1, 5.2), repeats(6, 6.1, 6.2));
    const results = Object.fromEntries(
      comparison?.metrics.map(({ metric, result }) => [metric, result]) ?? [],
    );
    expect(results).toEqual({
      throughput: 'better',
      p50: 'better',
      p95: 'better',
      p99: 'better',
      failed: 'same',
      refused: 'same',
    });
  });

  it('finds it worse with the sides exchanged', () => {
    const [comparison] = compared(repeats(6, 6.1, 6.2), repeats(5, 5.1, 5.2));
    expect(comparison?.metrics[0]).toMatchObject({ metric: 'throughput', result: 'worse' });
  });

  it('finds none if the repeats overlap', () => {
    const [comparison] = compared(repeats(5, 6, 7), repeats(5.2, 6.2, 7.2));
    expect(comparison?.metrics[0]?.result).toBe('within the noise');
  });

  it('says that the noise is unknown if a side has one run', () => {
    const [comparison] = compared(repeats(5), repeats(6, 6.1, 6.2));
    expect(comparison?.metrics[0]?.result).toBe('noise unknown');
    expect(comparison && comparisonLines(comparison, 200).at(-1)).toMatch(
      /^A side has one run, so the noise is unknown/,
    );
  });

  it('compares each setting that two experiments have in common', () => {
    const titles = compared(simulateExperiment([1, 2, 3]), simulateExperiment([2, 3, 5])).map(
      ({ title }) => title,
    );
    expect(titles).toEqual(['bulk_upload, 2 slots (2 × 1)', 'bulk_upload, 3 slots (3 × 1)']);
  });

  it('compares two single settings that differ, and names how', () => {
    const [comparison] = compared([simulateBulk({ workers: 1 }, 100)], [simulateBulk({ workers: 2 }, 50)]);
    expect(comparison?.title).toBe('bulk_upload, 1 slot (1 × 1) → 2 slots (2 × 1), COUNT 100 → 50');
  });

  it('compares how fast bursts recovered', () => {
    const bursts = (workers: number, work: number) =>
      [1, 2, 3].map((seed) => simulateBursts({ workers, seed, work }, {}, { run_id: `${work}-${seed}` }));
    const [comparison] = compared(bursts(2, 0.3), bursts(2, 0.2));
    expect(comparison?.metrics.slice(-2)).toMatchObject([
      { metric: 'recovery', unit: 's', result: 'better' },
      { metric: 'not recovered', a: [0, 0, 0], b: [0, 0, 0], result: 'same' },
    ]);
  });

  it('compares the knee and the dropped uploads of capacity tests, a knee below the first step as 0', () => {
    const [comparison] = compared(
      [simulateCapacity({ workers: 3, seed: 6 }, [4, 6, 20])],
      [simulateCapacity({ workers: 1, seed: 6 }, [4, 6, 20])],
    );
    const [knee, dropped] = comparison?.metrics.slice(-2) ?? [];
    expect(knee).toMatchObject({ metric: 'knee', a: [6], b: [0] });
    expect(dropped).toMatchObject({ metric: 'dropped', unit: 'uploads' });
    expect(dropped?.b[0]).toBeGreaterThan(dropped?.a[0] ?? Infinity);
  });

  it('says that a knee was not reached', () => {
    const [comparison] = compared(
      [simulateCapacity({ workers: 3 }, [1, 2])],
      [simulateCapacity({ workers: 3 }, [1, 2])],
    );
    expect(comparison && comparisonLines(comparison, 200).at(-1)).toMatch(/^If the knee was not reached/);
  });

  it('says that a metric was not measured if a side has no value', () => {
    const never = simulateBursts({ workers: 1 }, { size: 50, interval: 1, rounds: 1 });
    const queued = never.jobs.map((job) => ({
      ...job,
      state: 'queued' as const,
      started_at: null,
      ended_at: null,
    }));
    const [comparison] = compared([never], [{ ...never, jobs: queued }]);
    const line =
      comparison && comparisonLines(comparison, 200).find((text) => text.startsWith('recovery, s'));
    expect(line).toMatch(/ – +– +not measured$/);
  });

  it('names the versions and the runtime in which the sides differ', () => {
    const [run] = repeats(5);
    const versions = { pipeline: '0.2.0', node: '24.21.0', rabbitmq: '4.1.0', k6: '2.0.0' };
    const [comparison] = compared(
      [{ ...simulateBulk(), ...run, runtime: 'local' }],
      [{ ...simulateBulk(), ...run, runtime: 'compose', versions }],
    );
    expect(comparison?.title).toBe(
      'bulk_upload, 2 slots (2 × 1), runtime local → compose, pipeline 0.1.0 → 0.2.0',
    );
  });

  it('refuses a side whose runs are not repeats, because they ran in different environments', () => {
    const runtimes = ['local', 'compose'].map((runtime) =>
      simulateBulk({}, 100, { runtime, run_id: runtime }),
    );
    expect(() => compared(runtimes, [simulateBulk()])).toThrow(
      'A mixes runs that differ in runtime local and compose, so they are not repeats. Select runs of one of them.',
    );
  });

  it('refuses two equal machines with different hosts', () => {
    expect(() =>
      compared([simulateBulk({}, 100, { host: 'aaaa' })], [simulateBulk({}, 100, { host: 'bbbb' })]),
    ).toThrow(
      /different machines \(linux-x64, 2 cores, 8 GiB, host aaaa; linux-x64, 2 cores, 8 GiB, host bbbb\)/,
    );
  });

  it('leaves out runs with lost or unread jobs, and says so', () => {
    const [first, ...others] = repeats(6, 6.1, 6.2);
    const side = first === undefined ? [] : [{ ...first, unread: 3 }, ...others];
    const [comparison] = compared(repeats(5, 5.1, 5.2), side);
    expect(comparison?.metrics[0]?.b).toHaveLength(2);
    expect(comparison && comparisonLines(comparison, 200).at(-1)).toBe(
      '1 run of B is left out: accepted jobs were lost or could not be read.',
    );
    expect(() => compared([simulateBulk({}, 100, { lost: 1 })], [simulateBulk()])).toThrow(
      /^A has no complete run/,
    );
  });

  it('refuses sides of different machines, of different scripts, and without a common setting', () => {
    const other = { machine: { platform: 'darwin-arm64', cores: 8, memory_bytes: 2 ** 34, load_average: 0 } };
    expect(() => compared([simulateBulk()], [simulateBulk({}, 100, other)])).toThrow(/different machines/);
    expect(() =>
      compared(
        [simulateBulk(), simulateBulk({ seed: 2 }, 100, { ...other, run_id: 'other' })],
        [simulateBulk()],
      ),
    ).toThrow(/^A mixes runs of different machines/);
    expect(() => compared([simulateBulk()], [simulateBursts()])).toThrow(/same script/);
    expect(() => compared(simulateExperiment([1, 2]), simulateExperiment([3, 5]))).toThrow(
      /no setting in common/,
    );
  });
});
