import { describe, expect, it } from 'vitest';
import { someSnapshot } from '../../monitoring/testing/some-snapshot.ts';
import { estimateWait, secondsPerJob } from './estimate-wait.ts';

describe('the wait of a job that came now', () => {
  it.each([
    ['a slot is free', { queued: 0, processing: 3, slots: 4, secondsPerJob: 2 }, 0],
    ['as many slots are free as jobs wait', { queued: 1, processing: 2, slots: 4, secondsPerJob: 2 }, 0],
    ['all slots are busy', { queued: 0, processing: 4, slots: 4, secondsPerJob: 2 }, 0.5],
    ['jobs wait', { queued: 9, processing: 4, slots: 4, secondsPerJob: 2 }, 5],
    ['jobs wait that are about to be taken', { queued: 9, processing: 2, slots: 4, secondsPerJob: 2 }, 4],
    [
      'more are in hand than live workers have slots',
      { queued: 1, processing: 9, slots: 4, secondsPerJob: 2 },
      1,
    ],
    ['no worker lives', { queued: 0, processing: 0, slots: 0, secondsPerJob: 2 }, undefined],
    [
      'nobody knows how long jobs take',
      { queued: 1, processing: 4, slots: 4, secondsPerJob: undefined },
      undefined,
    ],
    ['nobody knows, and a slot is free', { queued: 0, processing: 0, slots: 4, secondsPerJob: undefined }, 0],
  ])('where %s', (_case, line, seconds) => {
    expect(estimateWait(line)).toBe(seconds);
  });

  it('is made of the means of fetching, processing and storing', () => {
    const snapshot = someSnapshot();
    expect(secondsPerJob(snapshot)).toBeCloseTo(0.09);
    const { latency } = snapshot;
    const stages = { ...latency.stages, process: null };
    expect(secondsPerJob({ ...snapshot, latency: { ...latency, stages } })).toBeUndefined();
  });
});
