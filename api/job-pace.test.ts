import { completedOutcome, someRequest } from '@image-pipeline/shared/testing/job-life.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { JobPace } from './job-pace.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');
let now: number;
let pace: JobPace;

function ended(secondsAgo: number): void {
  const outcome = completedOutcome(someRequest());
  pace.ended({ outcome: { ...outcome, finished_at: new Date(now - secondsAgo * 1_000).toISOString() } });
}

beforeEach(() => {
  now = NOW;
  pace = new JobPace(() => now);
});

describe('the pace of jobs', () => {
  it('is unknown while hardly any has ended', () => {
    expect(pace.perSecond).toBeUndefined();
    expect(pace.secondsFor(10)).toBeUndefined();
    ended(1);
    expect(pace.perSecond).toBeUndefined();
  });

  it('counts since the first end of the last minute', () => {
    for (let second = 1; second <= 10; second++) ended(second);
    expect(pace.perSecond).toBe(1);
    expect(pace.secondsFor(30)).toBe(30);
  });

  it('forgets what ended more than a minute ago, and leaves out clocks that run ahead', () => {
    for (let second = 61; second <= 100; second++) ended(second);
    for (let second = 0; second < 5; second++) ended(-10);
    expect(pace.perSecond).toBeUndefined();
    for (let second = 1; second <= 30; second++) ended(second * 2);
    expect(pace.perSecond).toBeCloseTo(0.5, 1);
  });
});
