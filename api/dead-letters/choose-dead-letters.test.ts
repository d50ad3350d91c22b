import type { DeadLetter } from '@image-pipeline/shared/contracts/dead-letter.ts';
import { v7 as uuidv7 } from 'uuid';
import { describe, expect, it } from 'vitest';
import { isReplayable, matches, replayOrder } from './choose-dead-letters.ts';

const now = new Date('2026-01-02T03:05:00.000Z');

function deadLetter(changes: Partial<DeadLetter> = {}): DeadLetter {
  return {
    version: 1,
    job_id: uuidv7(),
    run: 1,
    attempts: 1,
    error: { code: 'undecodable_image', reason: 'no end' },
    death: { reason: 'rejected', queue: 'image.jobs.process', at: '2026-01-02T03:04:00.000Z' },
    name: 'a.jpg',
    operations: ['resize', 'watermark'],
    submitted_at: '2026-01-02T03:03:59.000Z',
    dead_lettered_at: '2026-01-02T03:04:00.000Z',
    state: 'dead',
    ...changes,
  };
}

describe('the filter of a replay', () => {
  it.each([
    [{}, true],
    [{ reason: 'undecodable_image' }, true],
    [{ reason: 'workers_died' }, false],
    [{ operation: 'watermark' }, true],
    [{ operation: 'filter' }, false],
    [{ older_than_seconds: 60 }, true],
    [{ older_than_seconds: 61 }, false],
    [{ reason: 'undecodable_image', operation: 'filter' }, false],
  ])('%j matches: %s', (filter, expected) => {
    expect(matches(deadLetter(), filter, now)).toBe(expected);
  });
});

describe('the order of a replay', () => {
  it('has the newest run of each job, those replayed least often first', () => {
    const [often, once, never] = [uuidv7(), uuidv7(), uuidv7()];
    const deadLetters = [
      deadLetter({ job_id: often, run: 3 }),
      deadLetter({ job_id: often, run: 2 }),
      deadLetter({ job_id: once, run: 2 }),
      deadLetter({ job_id: never }),
    ];
    expect(replayOrder(deadLetters).map(({ job_id, run }) => [job_id, run])).toEqual([
      [never, 1],
      [once, 2],
      [often, 3],
    ]);
  });
});

describe('a dead letter', () => {
  it.each([
    ['of a job', deadLetter(), true],
    ['that was no job', deadLetter({ job_id: 'unreadable-1', submitted_at: null }), false],
    ['whose request nobody knows', deadLetter({ submitted_at: null }), false],
  ])('%s can be replayed: %3$s', (_which, given, expected) => {
    expect(isReplayable(given)).toBe(expected);
  });
});
