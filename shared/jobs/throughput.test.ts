import { completedOutcome, someRequest } from '../../testing/job-life.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { Throughput } from './throughput.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');
let throughput: Throughput;

function ended(secondsAgo: number): void {
  const finished_at = new Date(NOW - secondsAgo * 1_000).toISOString();
  throughput.ended({ ...completedOutcome(someRequest()), finished_at });
}

beforeEach(() => {
  throughput = new Throughput(() => NOW);
});

describe('the throughput', () => {
  it('is unknown while too few jobs have ended', () => {
    throughput.queueObserved(true, NOW - 10_000);
    expect(throughput.perSecond).toBeUndefined();
    for (let second = 1; second <= 4; second++) ended(second);
    expect(throughput.perSecond).toBeUndefined();
    ended(5);
    expect(throughput.perSecond).toBe(0.5);
  });

  it('is measured while jobs wait', () => {
    for (let second = 1; second <= 30; second++) ended(second);
    expect(throughput.perSecond).toBeUndefined();
    throughput.queueObserved(true, NOW - 15_500);
    throughput.queueObserved(true, NOW - 3_000);
    expect(throughput.perSecond).toBeCloseTo(15 / 15.5);
    throughput.queueObserved(false, NOW);
    expect(throughput.perSecond).toBeUndefined();
  });

  it('follows the newest jobs', () => {
    throughput.queueObserved(true, NOW - 50_000);
    for (let second = 10; second < 50; second++) ended(second);
    expect(throughput.perSecond).toBeCloseTo(20 / 30);
    for (let end = 0; end <= 20; end++) ended(end / 2);
    expect(throughput.perSecond).toBeCloseTo(2);
  });

  it('ignores ends older than a minute, and counts ends in the future as now', () => {
    throughput.queueObserved(true, NOW - 100_000);
    for (let second = 61; second <= 100; second++) ended(second);
    expect(throughput.perSecond).toBeUndefined();
    for (let end = 0; end < 6; end++) ended(-10);
    expect(throughput.perSecond).toBeCloseTo(6 / 60);
  });
});
