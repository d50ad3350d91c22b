import { describe, expect, it } from 'vitest';
import type { LoadTestResult } from '../result.ts';
import { compare, comparisonLines } from './compare.ts';
import { runWith } from './testing/results.ts';
import { simulateBulk, simulateBursts, simulateExperiment } from './testing/simulate.ts';

const files = (results: readonly LoadTestResult[]) =>
  results.map((result) => ({ file: `${result.run_id}.json`, result }));
const compared = (a: readonly LoadTestResult[], b: readonly LoadTestResult[]) => compare(files(a), files(b));
const repeats = (...throughputs: number[]) =>
  throughputs.map((throughput, repeat) => runWith(2, throughput, { repeat }));

describe('comparing two sides', () => {
  it('finds a difference that is beyond the noise of the repeats', () => {
    const [comparison] = compared(repeats(5, 5.1, 5.2), repeats(6, 6.1, 6.2));
    const verdicts = Object.fromEntries(
      comparison?.metrics.map(({ metric, verdict }) => [metric, verdict]) ?? [],
    );
    expect(verdicts).toEqual({
      throughput: 'better',
      p50: 'better',
      p95: 'better',
      p99: 'better',
      failed: 'same',
    });
  });

  it('finds it worse the other way round', () => {
    const [comparison] = compared(repeats(6, 6.1, 6.2), repeats(5, 5.1, 5.2));
    expect(comparison?.metrics[0]).toMatchObject({ metric: 'throughput', verdict: 'worse' });
  });

  it('finds none where the repeats overlap', () => {
    const [comparison] = compared(repeats(5, 6, 7), repeats(5.2, 6.2, 7.2));
    expect(comparison?.metrics[0]?.verdict).toBe('within the noise');
  });

  it('says that the noise is unknown where a side has one run', () => {
    const [comparison] = compared(repeats(5), repeats(6, 6.1, 6.2));
    expect(comparison?.metrics[0]?.verdict).toBe('noise unknown');
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
