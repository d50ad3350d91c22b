import { describe, expect, it } from 'vitest';
import { WaitingJobs } from './waiting-jobs.ts';

describe('the line of those who wait', () => {
  it('is in the order of entering, whatever the order of hearing of it', () => {
    const line = new WaitingJobs();
    for (const [jobId, dueAt] of [
      ['c', 30],
      ['a', 10],
      ['d', 30],
      ['b', 20],
    ] as const) {
      line.add({ jobId, dueAt });
    }
    expect(['a', 'b', 'c', 'd'].map((jobId) => line.ahead(jobId))).toEqual([0, 1, 2, 3]);
    line.remove('b');
    line.remove('b');
    expect(['a', 'b', 'c', 'd'].map((jobId) => line.ahead(jobId))).toEqual([0, undefined, 1, 2]);
    expect([9, 10, 29, 30].map((time) => line.dueBy(time))).toEqual([0, 1, 1, 3]);
  });

  it('gives who enters again a new place', () => {
    const line = new WaitingJobs();
    line.add({ jobId: 'a', dueAt: 10 });
    line.add({ jobId: 'b', dueAt: 20 });
    line.add({ jobId: 'a', dueAt: 30 });
    expect(line.ahead('a')).toBe(1);
    expect(line.dueBy(30)).toBe(2);
  });

  it('is bounded: of too many, the first are no longer counted', () => {
    const line = new WaitingJobs();
    for (let n = 0; n <= 100_000; n++) line.add({ jobId: String(n), dueAt: n });
    expect(line.ahead('0')).toBeUndefined();
    expect(line.ahead('100000')).toBe(99_999);
  });
});
