import { queuedEvent, retryingEvent } from '@image-pipeline/shared/contracts/event.ts';
import { describe, expect, it } from 'vitest';
import { someRequest, started } from '../../testing/job-life.ts';
import { likelyLost } from './open-runs.ts';
import { RunTracker, type OpenRun } from './run-tracker.ts';

const NOW = 1_000_000;
const run = (job_id: string, changes: Partial<OpenRun> = {}): OpenRun => ({
  job_id,
  run: 1,
  offset: 0,
  state: 'queued',
  place: 8,
  since: NOW,
  ...changes,
});
const idsOf = (runs: readonly OpenRun[]) => runs.map(({ job_id }) => job_id);

describe('the runs that are most likely lost', () => {
  it('are those that others have overtaken in the job queue, oldest first', () => {
    const runs = [run('new'), run('second', { since: NOW - 90_000 }), run('first', { since: NOW - 100_000 })];
    expect(idsOf(likelyLost(runs, NOW - 50_000, NOW))).toEqual(['first', 'second']);
  });

  it('are not those that wait behind others, however long', () => {
    const runs = [run('old', { since: NOW - 3_600_000 })];
    expect(likelyLost(runs, NOW - 3_600_000, NOW)).toEqual([]);
    expect(likelyLost(runs, -Infinity, NOW)).toEqual([]);
  });

  it('are not those that wait in a retry queue, but those whose retry is overdue', () => {
    const retrying = { state: 'retrying', since: NOW - 200_000 } as const;
    const runs = [
      run('waiting', { ...retrying, retry_at: NOW + 60_000 }),
      run('overdue', { ...retrying, retry_at: NOW - 100_000 }),
    ];
    expect(idsOf(likelyLost(runs, NOW, NOW))).toEqual(['overdue']);
  });

  it('are slow ones only after all others, because they are overtaken in a queue of their own', () => {
    const moved = { state: 'retrying', since: NOW - 60_000, retry_at: NOW - 60_000, isSlow: true } as const;
    const runs = [
      run('slow', moved),
      run('just moved', { ...moved, since: NOW, retry_at: NOW }),
      run('busy', { state: 'processing', since: NOW - 40_000 }),
      run('overtaken', { since: NOW - 35_000 }),
    ];
    expect(idsOf(likelyLost(runs, NOW, NOW))).toEqual(['overtaken', 'busy', 'slow']);
  });

  it('may be in progress, because a queue can be deleted with its deliveries; these come last', () => {
    const runs = [
      run('busy', { state: 'processing', since: NOW - 60_000 }),
      run('just started', { state: 'processing' }),
      run('overtaken', { since: NOW - 50_000 }),
    ];
    expect(idsOf(likelyLost(runs, NOW, NOW))).toEqual(['overtaken', 'busy']);
  });
});

describe('how far the job queue has been delivered', () => {
  const at = (seconds: number) => new Date(NOW + seconds * 1_000).toISOString();

  it('follows from starts, not from redeliveries', () => {
    const tracker = new RunTracker(10);
    const [early, late] = [someRequest({ submitted_at: at(1) }), someRequest({ submitted_at: at(9) })];
    expect(tracker.startedFrom).toBe(-Infinity);
    for (const request of [early, late]) tracker.apply(queuedEvent(request), 0);
    const redelivered = started(late);
    if (redelivered.type === 'job.started') redelivered.data.redelivered = true;
    tracker.apply(redelivered, 1);
    expect(tracker.startedFrom).toBe(-Infinity);
    tracker.apply(started(early), 2);
    expect(tracker.startedFrom).toBe(NOW + 1_000);
    tracker.apply(started(early, 2), 3);
    expect(tracker.startedFrom).toBe(NOW + 1_000);
  });

  it('does not follow from starts of slow jobs, which wait in a queue of their own', () => {
    const tracker = new RunTracker(10);
    const request = someRequest({ submitted_at: at(1) });
    tracker.apply(queuedEvent(request), 0);
    tracker.apply(started(request), 1);
    const hop = { worker: 'worker-1', at: at(9), retry_at: at(9), error: { code: 'slow_image', reason: '' } };
    tracker.apply(retryingEvent(request, 1, hop), 2);
    tracker.apply(started(request, 2), 3);
    expect(tracker.startedFrom).toBe(NOW + 1_000);
  });
});
