import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LoadTestResult } from '../result.ts';
import { checkLittlesLaw, measureRun } from './measure-run.ts';
import { at, job } from './testing/results.ts';
import { simulateBulk, simulateBursts, simulateCapacity } from './testing/simulate.ts';

const measured = (result: LoadTestResult) => measureRun({ file: 'run.json', result });

describe('the metrics of a run', () => {
  it('follow from the timelines of its jobs', () => {
    const jobs = [
      job(0, 0, 2),
      job(0, 2, 4),
      job(1, 4, 5),
      job(1, 5, 10, { state: 'failed', error: 'undecodable_image', attempts: 3 }),
    ];
    expect(measured(simulateBulk({ slots: 2 }, 4, { jobs }))).toMatchObject({
      // Three results in ten seconds.
      throughput: 0.3,
      makespan: 10,
      counts: { completed: 3, failed: 1, open: 0 },
      failures: { undecodable_image: 1 },
      retried: 1,
      timeToResult: { p50: 4, p95: 4, mean: 10 / 3 },
      processing: 2.5,
      // Ten of twenty slot seconds.
      utilisation: 0.5,
      slots: 2,
      layout: '1 × 2',
    });
  });

  it('take the slots from the samples of monitoring if those of a worker are unknown', () => {
    const workers = [{ name: 'worker-1', slots: null }];
    expect(measured(simulateBulk({ workers: 3 }, 10, { workers })).slots).toBe(3);
    expect(measured(simulateBulk({}, 10, { workers, samples: [] }))).toMatchObject({
      slots: null,
      utilisation: null,
      layout: '1 × ?',
    });
  });

  it('are empty, not wrong, for a run without a job', () => {
    expect(measured(simulateBulk({}, 0, { jobs: [] }))).toMatchObject({
      throughput: 0,
      timeToResult: null,
      processing: null,
      littlesLaw: null,
      knee: null,
    });
  });

  it('have the recovery of each burst', () => {
    const jobs = [job(0, 0, 1, { group: 1 }), job(0, 1, 2, { group: 1 }), job(5, 5, 6, { group: 2 })];
    const bursts = [
      { number: 1, size: 2, at: at(0) },
      { number: 2, size: 1, at: at(5) },
    ];
    const { recoveries } = measured(simulateBursts({}, {}, { jobs, bursts }));
    expect(recoveries).toMatchObject([
      { number: 1, seconds: 1 },
      { number: 2, seconds: 0 },
    ]);
  });

  it('have the knee of a capacity test: two cores with 0.3 s of work sustain 6 a second', () => {
    const { knee, steps } = measured(simulateCapacity({ workers: 3, seed: 6 }));
    expect(steps).toHaveLength(5);
    expect(knee?.rate).toBe(6);
  });
});

describe('the check of Little’s law', () => {
  it('averages the number of jobs by the time that it lasted', () => {
    // Two jobs for one second, then one job for three: (2 · 1 + 1 · 3) / 4.
    const law = checkLittlesLaw({ jobs: [job(0, 0, 1), job(0, 1, 4)], samples: [] });
    expect(law).toMatchObject({ inSystem: 1.25, rate: 0.5, seconds: 2.5, expected: 1.25, sampled: null });
  });

  it('finds both sides equal whenever all jobs ended', () => {
    const moments = fc.tuple(fc.nat(100), fc.nat(100), fc.integer({ min: 1, max: 100 }));
    fc.assert(
      fc.property(fc.array(moments, { minLength: 1, maxLength: 40 }), (all) => {
        const jobs = all.map(([queued, wait, work]) => job(queued, queued + wait, queued + wait + work));
        const law = checkLittlesLaw({ jobs, samples: [] });
        expect(law?.inSystem).toBeCloseTo(law?.expected ?? Number.NaN, 6);
      }),
    );
  });

  it('finds more jobs in the system than left it when one did not end', () => {
    const open = job(0, 1, 2, { state: 'processing', ended_at: null });
    const law = checkLittlesLaw({ jobs: [job(0, 0, 4), open], samples: [] });
    expect(law).toMatchObject({ inSystem: 2, expected: 1 });
  });

  it('agrees with the samples of monitoring in a simulated run', () => {
    const law = checkLittlesLaw(simulateBulk({ workers: 2 }, 200));
    expect((law?.sampled ?? 0) / (law?.expected ?? 1)).toBeCloseTo(1, 1);
  });
});
