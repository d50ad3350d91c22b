import { describe, expect, it } from 'vitest';
import type { Job } from '../live/jobs.ts';
import { historyOf } from './history.ts';

const at = (second: number) => new Date(second * 1_000).toISOString();
const job = (from: number, state: Job['state'], until = from): Job => ({
  id: String(from),
  state,
  run: 1,
  attempt: 1,
  submittedAt: at(from),
  updatedAt: at(until),
  steps: [],
});
/** Four parts of ten seconds: 60–70, 70–80, 80–90, 90–100. */
const period = { now: 95_000, partMs: 10_000, parts: 4 };

describe('historyOf', () => {
  it('counts ends in the part of their time, and open jobs at the end of each part', () => {
    const history = historyOf([job(61, 'completed', 72), job(65, 'failed', 66), job(85, 'queued')], period);
    expect(history.times).toEqual([70, 80, 90, 100]);
    expect(history.open).toEqual([1, 0, 1, 1]);
    expect(history.completed).toEqual([0, 1, 0, 0]);
    expect(history.failed).toEqual([1, 0, 0, 0]);
  });

  it('counts jobs that began before the period, and none that ended before it or begin after it', () => {
    const history = historyOf(
      [job(10, 'processing', 12), job(10, 'completed', 59), job(120, 'queued')],
      period,
    );
    expect(history.open).toEqual([1, 1, 1, 1]);
    expect(history.completed).toEqual([0, 0, 0, 0]);
  });

  it('counts the jobs that were processed at the end of each part', () => {
    const jobs = [
      { ...job(61, 'completed', 85), startedAt: at(72) },
      { ...job(61, 'processing', 82), startedAt: at(82) },
      { ...job(61, 'retrying', 70), startedAt: at(62) },
    ];
    expect(historyOf(jobs, period).processing).toEqual([0, 1, 1, 1]);
  });

  it('has the percentiles of the time to result, and null where nothing was completed', () => {
    const jobs = Array.from({ length: 20 }, (_, index) => job(70 - (index + 1), 'completed', 75));
    const { p50, p95 } = historyOf(jobs, period);
    expect(p50).toEqual([null, 15, null, null]);
    expect(p95).toEqual([null, 24, null, null]);
  });
});
