import type { Outcome } from '@image-pipeline/shared/contracts/outcome.ts';
import { completedOutcome, failedOutcome, someRequest } from '../../testing/job-life.ts';
import { describe, expect, it } from 'vitest';
import type { ReplayedState, ReplayProgress } from './replay-records.ts';
import { runReplay } from './run-replay.ts';

/** Replays as many runs as there are states; all complete except those in `fates`. */
async function replayed(
  before: readonly ReplayedState[],
  fates: Record<number, 'failed' | 'gone' | 'late'> = {},
) {
  const requests = before.map(() => someRequest({ run: 2 }));
  const runs = requests.map(({ job_id }) => ({ job_id, run: 1 }));
  const progress: ReplayProgress = { jobs: [...before], reason: null };
  const started: number[] = [];
  let inFlight = 0;
  const inFlightAtStart: number[] = [];
  await runReplay(runs, progress, {
    replay: async (dead) => {
      const index = runs.indexOf(dead);
      started.push(index);
      await Promise.resolve();
      if (fates[index] === 'gone') return undefined;
      inFlightAtStart.push(inFlight++);
      return requests[index];
    },
    awaitOutcome: async (request): Promise<Outcome | undefined> => {
      await new Promise(setImmediate);
      inFlight--;
      const fate = fates[requests.indexOf(request)];
      if (fate === 'late') return undefined;
      return fate === 'failed' ? failedOutcome(request) : completedOutcome(request);
    },
  });
  return { ...progress, started, inFlightAtStart };
}

const waiting = (count: number) => Array<ReplayedState>(count).fill('waiting');

describe('a replay', () => {
  it('begins with one run alone, and has ten in flight once that has completed', async () => {
    const { jobs, reason, inFlightAtStart } = await replayed(waiting(40));
    expect(jobs).toEqual(Array(40).fill('completed'));
    expect(reason).toBeNull();
    expect(inFlightAtStart.slice(0, 2)).toEqual([0, 0]);
    expect(Math.max(...inFlightAtStart)).toBe(9);
  });

  it('stops at the first run if that fails again or does not end in time', async () => {
    const failed = await replayed(waiting(3), { 0: 'failed' });
    expect(failed).toMatchObject({ jobs: ['failed', 'waiting', 'waiting'], started: [0] });
    expect(failed.reason).toContain('failed again in run 2 (undecodable_image)');
    const late = await replayed(waiting(3), { 0: 'late' });
    expect(late).toMatchObject({ jobs: ['replayed', 'waiting', 'waiting'], started: [0] });
    expect(late.reason).toContain('did not end in time');
  });

  it('uses the next run as the canary if there is nothing to replay', async () => {
    const { jobs, started } = await replayed(waiting(3), { 0: 'gone', 1: 'failed' });
    expect(jobs).toEqual(['skipped', 'failed', 'waiting']);
    expect(started).toEqual([0, 1]);
  });

  it('follows runs in flight to their end when one fails', async () => {
    const { jobs, started } = await replayed(waiting(30), { 1: 'failed' });
    expect(started).toHaveLength(11);
    expect(jobs.slice(0, 11)).toEqual(['completed', 'failed', ...Array<ReplayedState>(9).fill('completed')]);
    expect(jobs.slice(11)).toEqual(waiting(19));
  });

  it('repeats what has not ended when it is resumed', async () => {
    const { jobs, started } = await replayed(['completed', 'skipped', 'replayed', 'waiting']);
    expect(jobs).toEqual(['completed', 'skipped', 'completed', 'completed']);
    expect(started).toEqual([2, 3]);
  });
});
