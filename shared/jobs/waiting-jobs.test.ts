import { describe, expect, it } from 'vitest';
import { WaitingJobs } from './waiting-jobs.ts';

describe('waiting jobs', () => {
  it('are ordered by the time they are due, whatever the order of their events', () => {
    const waiting = new WaitingJobs();
    for (const [jobId, dueAt] of [
      ['c', 30],
      ['a', 10],
      ['d', 30],
      ['b', 20],
    ] as const) {
      waiting.add({ jobId, dueAt });
    }
    expect(['a', 'b', 'c', 'd'].map((jobId) => waiting.ahead(jobId))).toEqual([0, 1, 2, 3]);
    waiting.remove('b');
    waiting.remove('b');
    expect(['a', 'b', 'c', 'd'].map((jobId) => waiting.ahead(jobId))).toEqual([0, undefined, 1, 2]);
    expect([9, 10, 29, 30].map((time) => waiting.dueBy(time))).toEqual([0, 1, 1, 3]);
  });

  it('are moved when they are added again', () => {
    const waiting = new WaitingJobs();
    waiting.add({ jobId: 'a', dueAt: 10 });
    waiting.add({ jobId: 'b', dueAt: 20 });
    waiting.add({ jobId: 'a', dueAt: 30 });
    expect(waiting.ahead('a')).toBe(1);
    expect(waiting.dueBy(30)).toBe(2);
  });

  it('are bounded: the oldest are no longer counted', () => {
    const waiting = new WaitingJobs();
    for (let n = 0; n <= 100_000; n++) waiting.add({ jobId: String(n), dueAt: n });
    expect(waiting.ahead('0')).toBeUndefined();
    expect(waiting.ahead('100000')).toBe(99_999);
  });
});
