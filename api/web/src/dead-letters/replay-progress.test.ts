import { describe, expect, it } from 'vitest';
import type { Job } from '../live/jobs.ts';
import { progressOfReplay } from './replay-progress.ts';

const job = (id: string, state: Job['state'], run = 2, second = 0): Job => ({
  id,
  state,
  run,
  attempt: 1,
  submittedAt: new Date(second * 1_000).toISOString(),
  updatedAt: '',
  steps: [],
});
const letters = ['a', 'b', 'c'].map((job_id) => ({ job_id, run: 1 }));
const progress = (...jobs: Job[]) => progressOfReplay(letters, (id) => jobs.find((one) => one.id === id));

describe('progressOfReplay', () => {
  it('waits for the first job, the canary', () => {
    expect(progress(job('a', 'failed', 1))).toMatchObject({ phase: 'starting', waiting: 3, failed: [] });
    expect(progress(job('b', 'processing'))).toMatchObject({
      phase: 'canary',
      canary: { id: 'b' },
      inProgress: 1,
      waiting: 2,
    });
  });

  it('goes on with the rest once the canary has completed', () => {
    const begun = progress(job('b', 'completed', 2, 1), job('a', 'queued', 2, 2));
    expect(begun).toMatchObject({ phase: 'rest', canary: { id: 'b' }, completed: 1, waiting: 1 });
    expect(progress(...letters.map(({ job_id }) => job(job_id, 'completed')))).toMatchObject({
      phase: 'done',
    });
  });

  it('stops when a job fails again; the waiting ones stay', () => {
    expect(progress(job('b', 'completed'), job('a', 'failed'))).toMatchObject({
      phase: 'stopped',
      failed: [{ id: 'a' }],
      completed: 1,
      waiting: 1,
    });
  });
});
