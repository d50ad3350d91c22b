import { parseRetryDelays } from '@image-pipeline/shared/broker/topology.ts';
import { describe, expect, it } from 'vitest';
import { type EndedRun, latencyOf, percentilesOf, failuresByCode, throughputOf } from './ended-runs.ts';
import type { OpenRun } from './run-tracker.ts';
import { countOpenRuns, requeueAbandoned, headAges } from './open-runs.ts';

const retryDelays = parseRetryDelays('5s,30s');
const NOW = Date.parse('2026-01-01T12:00:00Z');
const ended = (secondsAgo: number, errorCode?: string): EndedRun => ({
  at: NOW - secondsAgo * 1_000,
  errorCode,
  seconds: errorCode === undefined ? { total: secondsAgo, process: 1 } : {},
});
const open = (
  state: OpenRun['state'],
  secondsAgo: number,
  retryInSeconds?: number,
  attempt = 1,
): OpenRun => ({
  job_id: 'job',
  run: 1,
  offset: 0,
  state,
  place: attempt * 8,
  since: NOW - secondsAgo * 1_000,
  retry_at: retryInSeconds === undefined ? undefined : NOW + retryInSeconds * 1_000,
});

describe('percentiles', () => {
  it('are computed by nearest rank', () => {
    const hundred = Array.from({ length: 100 }, (_, n) => 100 - n);
    expect(percentilesOf(hundred)).toEqual({ p50: 50, p95: 95, p99: 99, mean: 50.5 });
    expect(percentilesOf([7])).toEqual({ p50: 7, p95: 7, p99: 7, mean: 7 });
  });

  it('are null if nothing completed', () => {
    const { samples, stages } = latencyOf([ended(1, 'engine_crashed')], 300);
    expect(samples).toBe(0);
    expect(stages.total).toBeNull();
    expect(latencyOf([ended(2)], 300).stages).toMatchObject({ total: { p50: 2 }, notify: null });
  });
});

describe('throughput', () => {
  it('counts the runs that ended in the window, completed and failed separately', () => {
    const ends = [ended(299), ended(61), ended(30), ended(1), ended(1, 'engine_crashed')];
    expect(throughputOf(ends, NOW)).toEqual({
      completed_1m: 2 / 60,
      completed_5m: 4 / 300,
      failed_1m: 1 / 60,
      failed_5m: 1 / 300,
    });
    expect(failuresByCode(ends)).toEqual({ engine_crashed: 1 });
  });
});

describe('open runs', () => {
  it('whose retry is due count as queued', () => {
    const runs = [open('queued', 1), open('processing', 1), open('retrying', 9, -4), open('retrying', 1, 4)];
    expect(countOpenRuns(runs, NOW)).toEqual({ queued: 2, processing: 1, retrying: 1 });
    expect(headAges([], retryDelays, NOW)).toEqual(new Map());
  });

  it('that wait in the queue for slow images count as retrying, and have their age there', () => {
    const runs = [
      { ...open('retrying', 9, -9), isSlow: true as const },
      { ...open('retrying', 5, -4), isSlow: true as const },
      { ...open('retrying', 1, 4), isSlow: true as const },
    ];
    expect(countOpenRuns(runs, NOW)).toEqual({ queued: 0, processing: 0, retrying: 3 });
    expect(headAges(runs, retryDelays, NOW)).toEqual(
      new Map([
        ['image.jobs.slow', 9],
        ['image.jobs.retry.5s', 1],
      ]),
    );
  });

  it('give the age of the oldest job in each queue', () => {
    const runs = [
      open('processing', 50),
      open('queued', 1),
      open('retrying', 9, -4),
      open('retrying', 1, 4),
      open('retrying', 3, 2),
      open('retrying', 20, 10, 2),
      open('retrying', 20, 10, 3),
      // Postponed by the first delay, whatever its attempt is.
      open('retrying', 4, 1, 3),
    ];
    expect(headAges(runs, retryDelays, NOW)).toEqual(
      new Map([
        ['image.jobs.process', 4],
        ['image.jobs.retry.5s', 4],
        ['image.jobs.retry.30s', 20],
      ]),
    );
    expect(headAges([open('processing', 50)], retryDelays, NOW)).toEqual(new Map());
  });
});

describe('a job in progress', () => {
  const inProgress = { ...open('processing', 5), worker: 'worker-1' };

  it('is queued again when its worker has gone', () => {
    expect(requeueAbandoned(inProgress, () => true)).toBe(inProgress);
    const left = requeueAbandoned(inProgress, () => false);
    expect(countOpenRuns([left], NOW)).toEqual({ queued: 1, processing: 0, retrying: 0 });
    expect(headAges([left], retryDelays, NOW)).toEqual(new Map([['image.jobs.process', 5]]));
  });

  it('is the only kind that a worker can abandon', () => {
    for (const state of ['queued', 'retrying'] as const) {
      const run = { ...inProgress, state };
      expect(requeueAbandoned(run, () => false)).toBe(run);
    }
  });
});
