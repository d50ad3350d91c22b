import { describe, expect, it } from 'vitest';
import { depthOverTime } from '../../calculate.ts';
import { job } from '../testing/results.ts';
import { simulateBulk } from '../testing/simulate.ts';
import { occupationsOf } from './gantt-chart.ts';
import { sampledSeries, utilisationSeries, waitingSeries } from './time-charts.ts';

describe('the series of jobs that wait', () => {
  it('is exact for a small run', () => {
    expect(waitingSeries([job(0, 0, 2), job(1, 2, 3)])).toEqual([
      { seconds: 0, value: 0 },
      { seconds: 1, value: 1 },
      { seconds: 2, value: 0 },
      { seconds: 3, value: 0 },
    ]);
  });

  it('has a bounded number of points for a large run, and keeps its peak and its end', () => {
    const { jobs } = simulateBulk({ workers: 2 }, 2_000);
    const series = waitingSeries(jobs, 240);
    const peak = Math.max(...depthOverTime(jobs).map(({ waiting }) => waiting));
    expect(series).toHaveLength(241);
    expect(Math.max(...series.map(({ value }) => value))).toBe(peak);
    expect(series.at(-1)?.value).toBe(0);
  });
});

describe('the series of utilisation', () => {
  it('is the mean share of busy slots in each part of the time', () => {
    // One of two slots for the first second, both for the second one, none for the third.
    const jobs = [job(0, 0, 2), job(0, 1, 2), job(3, 3, 4)];
    const shares = utilisationSeries(jobs, 2, 4).map(({ value }) => value);
    expect(shares).toEqual([0.5, 1, 0, 0.5, 0.5]);
  });
});

describe('the series of samples', () => {
  it('has at most as many points as asked for, none of them outside the run', () => {
    const result = simulateBulk({}, 200);
    const series = sampledSeries(result, ({ queued }) => queued, 20);
    expect(series.length).toBeLessThanOrEqual(20);
    expect(Math.min(...series.map(({ seconds }) => seconds))).toBeGreaterThanOrEqual(0);
  });
});

describe('the slots of a worker in the Gantt chart', () => {
  const slotsOf = (jobs: Parameters<typeof occupationsOf>[0], slots: number | null) =>
    occupationsOf(jobs, new Map([['worker-1', slots]])).map(({ slot }) => slot);

  it('are filled from the first: a job takes the first that is free', () => {
    expect(slotsOf([job(0, 0, 3), job(0, 1, 2), job(0, 2, 4), job(0, 3, 5)], 2)).toEqual([1, 2, 2, 1]);
  });

  it('are never more than the worker has, even where clocks make jobs overlap', () => {
    expect(slotsOf([job(0, 0, 2), job(0, 1.99, 3)], 1)).toEqual([1, 1]);
    expect(slotsOf([job(0, 0, 2), job(0, 1.99, 3)], null)).toEqual([1, 2]);
  });
});
