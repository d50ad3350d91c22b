import { completedOutcome, someRequest } from '@image-pipeline/shared/testing/job-life.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { JobPace } from './job-pace.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');
let pace: JobPace;

function ended(secondsAgo: number): void {
  const finished_at = new Date(NOW - secondsAgo * 1_000).toISOString();
  pace.ended({ ...completedOutcome(someRequest()), finished_at });
}

beforeEach(() => {
  pace = new JobPace(() => NOW);
});

describe('the pace of jobs', () => {
  it('is unknown while hardly any has ended', () => {
    pace.lineSeen(true, NOW - 10_000);
    for (let second = 1; second <= 4; second++) ended(second);
    expect(pace.perSecond).toBeUndefined();
    ended(5);
    expect(pace.perSecond).toBe(0.5);
  });

  it('is that of the time in which jobs wait', () => {
    for (let second = 1; second <= 30; second++) ended(second);
    expect(pace.perSecond).toBeUndefined();
    pace.lineSeen(true, NOW - 20_500);
    pace.lineSeen(true, NOW - 3_000);
    expect(pace.perSecond).toBeCloseTo(20 / 20.5);
    pace.lineSeen(false, NOW);
    expect(pace.perSecond).toBeUndefined();
  });

  it('forgets what ended more than a minute ago, and leaves out clocks that run ahead', () => {
    pace.lineSeen(true, NOW - 100_000);
    for (let second = 61; second <= 100; second++) ended(second);
    for (let second = 0; second < 5; second++) ended(-10);
    expect(pace.perSecond).toBeUndefined();
    for (let second = 1; second <= 29; second++) ended(second * 2);
    expect(pace.perSecond).toBeCloseTo(29 / 60);
  });
});
