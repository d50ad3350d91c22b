import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkLittlesLaw } from './littles-law.ts';
import { job } from './testing/results.ts';
import { simulateBulk } from './testing/simulate.ts';

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

  it('agrees with what monitoring saw of a simulated run', () => {
    const law = checkLittlesLaw(simulateBulk({ workers: 2 }, 200));
    expect((law?.sampled ?? 0) / (law?.expected ?? 1)).toBeCloseTo(1, 1);
  });
});
