import { expect, it } from 'vitest';
import { someSnapshot } from '../../testing/some-snapshot.ts';
import { flowBetween, meanInSystem } from './monitoring.ts';

it('averages the jobs in the system over all snapshots, whatever their state', () => {
  const snapshots = [
    { jobs: { queued: 3, processing: 2, retrying: 1 } },
    { jobs: { queued: 0, processing: 2, retrying: 0 } },
    { jobs: { queued: 0, processing: 0, retrying: 0 } },
    { jobs: { queued: 0, processing: 1, retrying: 1 } },
  ];
  expect(meanInSystem(snapshots)).toBe((6 + 2 + 0 + 2) / 4);
});

it('calculates the flow between two snapshots, whatever happened before', () => {
  const base = someSnapshot();
  const at = (second: number, completed: number, mean: number) => {
    const total = { p50: mean, p95: mean, p99: mean, mean };
    return someSnapshot({
      updated_at: new Date(second * 1_000).toISOString(),
      totals: base.totals && { ...base.totals, completed },
      latency: { ...base.latency, samples: completed, stages: { ...base.latency.stages, total } },
    });
  };
  // 10 jobs of 5 s before, 20 jobs of 2 s since.
  expect(flowBetween(at(100, 10, 5), at(110, 30, 3))).toEqual({ perSecond: 2, meanSeconds: 2 });
  expect(() => flowBetween(at(100, 10, 5), at(110, 10, 5))).toThrow('0 jobs completed');
});
