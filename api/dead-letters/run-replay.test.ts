import type { Outcome } from '@image-pipeline/shared/contracts/outcome.ts';
import { completedOutcome, failedOutcome, someRequest } from '@image-pipeline/shared/testing/job-life.ts';
import { describe, expect, it } from 'vitest';
import type { ReplayRunState, ReplayedState } from './replay-records.ts';
import { runReplay } from './run-replay.ts';

/** Replays as many runs as there are states, of which all complete but those that `fates` speaks of. */
async function replayed(
  before: readonly ReplayedState[],
  fates: Record<number, 'failed' | 'gone' | 'late'> = {},
) {
  const requests = before.map(() => someRequest({ run: 2 }));
  const runs = requests.map(({ job_id }) => ({ job_id, run: 1 }));
  const runState: ReplayRunState = { jobs: [...before], reason: null };
  const begun: number[] = [];
  let inFlight = 0;
  const inFlightAtStart: number[] = [];
  await runReplay(runs, runState, {
    replay: async (dead) => {
      const index = runs.indexOf(dead);
      begun.push(index);
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
  return { ...runState, begun, inFlightAtStart };
}

const waiting = (count: number) => Array<ReplayedState>(count).fill('waiting');

describe('a replay', () => {
  it('begins with one run alone, and has ten under way when that has completed', async () => {
    const { jobs, reason, inFlightAtStart } = await replayed(waiting(40));
    expect(jobs).toEqual(Array(40).fill('completed'));
    expect(reason).toBeNull();
    expect(inFlightAtStart.slice(0, 2)).toEqual([0, 0]);
    expect(Math.max(...inFlightAtStart)).toBe(9);
  });

  it('stops at the first run where that fails again, or does not end in time', async () => {
    const failed = await replayed(waiting(3), { 0: 'failed' });
    expect(failed).toMatchObject({ jobs: ['failed', 'waiting', 'waiting'], begun: [0] });
    expect(failed.reason).toContain('failed again in run 2 (undecodable_image)');
    const late = await replayed(waiting(3), { 0: 'late' });
    expect(late).toMatchObject({ jobs: ['replayed', 'waiting', 'waiting'], begun: [0] });
    expect(late.reason).toContain('has not ended in time');
  });

  it('takes the next one for its first where there is nothing to replay', async () => {
    const { jobs, begun } = await replayed(waiting(3), { 0: 'gone', 1: 'failed' });
    expect(jobs).toEqual(['skipped', 'failed', 'waiting']);
    expect(begun).toEqual([0, 1]);
  });

  it('follows what is under way to its end when one fails', async () => {
    const { jobs, begun } = await replayed(waiting(30), { 1: 'failed' });
    expect(begun).toHaveLength(11);
    expect(jobs.slice(0, 11)).toEqual(['completed', 'failed', ...Array<ReplayedState>(9).fill('completed')]);
    expect(jobs.slice(11)).toEqual(waiting(19));
  });

  it('that was broken off does again what has not ended', async () => {
    const { jobs, begun } = await replayed(['completed', 'skipped', 'replayed', 'waiting']);
    expect(jobs).toEqual(['completed', 'skipped', 'completed', 'completed']);
    expect(begun).toEqual([2, 3]);
  });
});
