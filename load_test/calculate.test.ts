import { describe, expect, it } from 'vitest';
import { makespan, recoveries } from './calculate.ts';
import { at, job } from './report/testing/results.ts';

describe('a run of 200,000 jobs', () => {
  const jobs = Array.from({ length: 200_000 }, (_, i) => job(i / 100, i / 100, i / 100 + 1, { group: 1 }));

  it('has a makespan', () => {
    expect(makespan(jobs)).toBeCloseTo(2_000.99, 5);
  });

  it('has the recovery of its burst', () => {
    const bursts = [{ number: 1, size: jobs.length, at: at(0) }];
    expect(recoveries({ bursts, jobs })).toMatchObject([{ accepted: 200_000, seconds: 1_999.99 }]);
  });
});

describe('the recovery of a burst', () => {
  it('is null where none of its images was accepted, whatever other bursts left in the queue', () => {
    const bursts = [1, 2].map((number) => ({ number, size: 2, at: at(number - 1) }));
    const jobs = [job(0, 0, 3, { group: 1 }), job(0, 3, 6, { group: 1 })];
    expect(recoveries({ bursts, jobs })).toEqual([
      { number: 1, size: 2, accepted: 2, before: 0, peak: 1, seconds: 3 },
      { number: 2, size: 2, accepted: 0, before: 1, peak: 0, seconds: null },
    ]);
  });
});
