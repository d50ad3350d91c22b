import { describe, expect, it } from 'vitest';
import { WaitingLine } from './waiting-jobs.ts';

describe('the line of those who wait', () => {
  it('is in the order of entering, whatever the order of hearing of it', () => {
    const line = new WaitingLine();
    for (const [jobId, entersAt] of [
      ['c', 30],
      ['a', 10],
      ['d', 30],
      ['b', 20],
    ] as const) {
      line.enter({ jobId, entersAt });
    }
    expect(['a', 'b', 'c', 'd'].map((jobId) => line.ahead(jobId))).toEqual([0, 1, 2, 3]);
    line.leave('b');
    line.leave('b');
    expect(['a', 'b', 'c', 'd'].map((jobId) => line.ahead(jobId))).toEqual([0, undefined, 1, 2]);
    expect([9, 10, 29, 30].map((time) => line.enteredBy(time))).toEqual([0, 1, 1, 3]);
  });

  it('gives who enters again a new place', () => {
    const line = new WaitingLine();
    line.enter({ jobId: 'a', entersAt: 10 });
    line.enter({ jobId: 'b', entersAt: 20 });
    line.enter({ jobId: 'a', entersAt: 30 });
    expect(line.ahead('a')).toBe(1);
    expect(line.enteredBy(30)).toBe(2);
  });

  it('is bounded: of too many, the first are no longer counted', () => {
    const line = new WaitingLine();
    for (let n = 0; n <= 100_000; n++) line.enter({ jobId: String(n), entersAt: n });
    expect(line.ahead('0')).toBeUndefined();
    expect(line.ahead('100000')).toBe(99_999);
  });
});
