import { describe, expect, it } from 'vitest';
import type { Job } from '../live/jobs.ts';
import { filterJobs, filterOf, listQuery, visibleRows } from './filter-jobs.ts';

const job = (id: string, change: Partial<Job>): Job => ({
  id,
  state: 'queued',
  run: 1,
  attempt: 1,
  submittedAt: '2026-01-01T12:00:00.000Z',
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
const NOW = Date.parse('2026-01-01T13:00:00.000Z');
const filter = (address: string) => filterOf(new URLSearchParams(address), NOW);
const ids = (address: string) => filterJobs(jobs, filter(address)).map(({ id }) => id);

describe('filterJobs', () => {
  it('finds by state, name, worker, id and error code', () => {
    expect(ids('')).toEqual(['a1', 'b2', 'c3']);
    expect(ids('state=failed')).toEqual(['b2']);
    expect(ids('name=CAT')).toEqual(['a1']);
    expect(ids('worker=worker-2&error=invalid_image')).toEqual(['b2']);
    expect(ids('name=c3')).toEqual(['c3']);
    expect(ids('state=queued&name=cat')).toEqual([]);
  });

  it('finds by time: the last minutes, or from and to', () => {
    expect(ids('last=61')).toHaveLength(3);
    expect(ids('last=59')).toEqual([]);
    expect(ids('from=2026-01-01T12:00:00Z&to=2026-01-01T12:00:01Z')).toHaveLength(3);
    expect(ids('to=2026-01-01T12:00:00Z')).toEqual([]);
    expect(ids('from=yesterday')).toHaveLength(3);
  });
});

describe('listQuery', () => {
  it('asks the API for the same', () => {
    expect(listQuery(filter(''))).toBeUndefined();
    expect(String(listQuery(filter('state=failed&name=a%20b&last=60')))).toBe(
      'status=failed&name=a+b&from=2026-01-01T12%3A00%3A00.000Z',
    );
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
