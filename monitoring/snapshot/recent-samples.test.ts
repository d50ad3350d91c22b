import { expect, it } from 'vitest';
import { someQueue, someSnapshot, someSource } from '../../testing/some-snapshot.ts';
import { RecentSamples } from './recent-samples.ts';

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 12, 0, second)).toISOString();

function samplesOf(count: number, limit?: number): RecentSamples {
  const samples = new RecentSamples(limit);
  for (let second = 0; second < count; second += 1) samples.add(someSnapshot({ updated_at: at(second) }));
  return samples;
}

it('keeps a summary of each snapshot', () => {
  expect(samplesOf(1).since(0)).toEqual([
    {
      at: at(0),
      queued: 12,
      processing: 4,
      retrying: 1,
      ready: 1_234_567,
      slots: 2,
      busy: 2,
      utilisation: 0.5,
      completed: 999_978,
      failed: 22,
    },
  ]);
});

it('discards the oldest sample beyond the limit', () => {
  expect(
    samplesOf(5, 3)
      .since(0)
      .map((sample) => sample.at),
  ).toEqual([at(2), at(3), at(4)]);
  expect(samplesOf(3_700).since(0)).toHaveLength(3_600);
});

it('returns only samples at or after the given time', () => {
  const found = samplesOf(5).since(Date.parse(at(3)));
  expect(found.map((sample) => sample.at)).toEqual([at(3), at(4)]);
});

it('reports unavailable values as null', () => {
  const samples = new RecentSamples();
  const events = someSource({ state: 'unavailable', reason: 'refused' });
  const queues = [someQueue('image.jobs.process', { ready: 7 })];
  samples.add(someSnapshot({ sources: { management: someSource(), events }, queues, totals: null }));
  expect(samples.since(0)).toMatchObject([{ ready: null, completed: null, failed: null }]);
});
