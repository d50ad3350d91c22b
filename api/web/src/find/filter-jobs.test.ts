import { describe, expect, it } from 'vitest';
import type { Job } from '../live/jobs.ts';
import { filterJobs, visibleRows } from './filter-jobs.ts';

const job = (id: string, change: Partial<Job>): Job => ({
  id,
  state: 'queued',
  run: 1,
  attempt: 1,
  submittedAt: '',
  updatedAt: '',
  steps: [],
  ...change,
});
const jobs = [
  job('a1', { name: 'Cat.png', state: 'completed', worker: 'worker-1' }),
  job('b2', {
    name: 'dog.jpg',
    state: 'failed',
    worker: 'worker-2',
    error: { code: 'invalid_image', reason: '' },
  }),
  job('c3', {}),
];
const ids = (state: string, text: string) => filterJobs(jobs, { state, text }).map(({ id }) => id);

describe('filterJobs', () => {
  it('finds by state, name, worker, id and error code', () => {
    expect(ids('', '')).toEqual(['a1', 'b2', 'c3']);
    expect(ids('failed', '')).toEqual(['b2']);
    expect(ids('', 'CAT')).toEqual(['a1']);
    expect(ids('', 'worker-2 invalid')).toEqual(['b2']);
    expect(ids('', 'c3')).toEqual(['c3']);
    expect(ids('queued', 'cat')).toEqual([]);
  });
});

describe('visibleRows', () => {
  it('has what is visible and no more rows than there are', () => {
    expect(visibleRows({ rows: 10_000, rowHeight: 40, scrolled: 4_000, height: 400 })).toEqual({
      first: 95,
      end: 115,
    });
    expect(visibleRows({ rows: 3, rowHeight: 40, scrolled: 0, height: 400 })).toEqual({ first: 0, end: 3 });
    expect(visibleRows({ rows: 3, rowHeight: 40, scrolled: 9_000, height: 400 })).toEqual({
      first: 3,
      end: 3,
    });
  });
});
