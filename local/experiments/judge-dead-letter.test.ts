import { expect, test } from 'vitest';
import type { Job } from '../pipeline/api-client.ts';
import type { DeadLetter } from '../pipeline/dead-letters.ts';
import { judgeDeadLetter, type DeadLetterEvidence } from './judge-dead-letter.ts';

const at = '2026-01-02T03:04:05.000Z';
const error = { code: 'undecodable_image', reason: 'The JPEG ends before its end marker.' };
const first: Job = {
  job_id: '0190f3c4-aaaa-7000-8000-00000000abcd',
  status: 'failed',
  submitted_at: at,
  updated_at: at,
  original: { name: 'corrupted.jpg', size: 1 },
  error,
  run: 1,
  runs: [],
  timeline: [{ state: 'processing', at, attempt: 1, worker: 'worker-1' }],
};
const letter: DeadLetter = {
  job_id: first.job_id,
  run: 1,
  attempts: 1,
  error,
  death: { reason: 'rejected', queue: 'image.jobs.process', at },
  name: 'corrupted.jpg',
  buried_at: at,
};
const expected: DeadLetterEvidence = {
  first,
  letter,
  after: 1,
  inQueue: 1,
  second: { ...first, run: 2, runs: [{ run: 1, status: 'failed' }] },
  again: { ...letter, run: 2 },
  end: 0,
};

test('a broken image is followed step by step', () => {
  expect(judgeDeadLetter(expected)).toMatchObject({
    saw: [
      'The job was accepted and failed after 1 attempt with undecodable_image.',
      `RabbitMQ moved its message from image.jobs.process to image.jobs.dead at ${at}, because it was rejected.`,
      "/dlq/stats grew by 1, RabbitMQ's queue by 1.",
      'The replay was run 2 of the same job, and it failed.',
      'After it was discarded, there were as many dead letters as before the experiment.',
    ],
    broken: [],
  });
});

test('counts that others change are a note, not a broken promise', () => {
  const { saw, broken } = judgeDeadLetter({ ...expected, after: 3, inQueue: undefined, end: 2 });
  expect(saw).toContainEqual(expect.stringContaining('another client used the system'));
  expect(saw.at(-1)).toContain('differed by 2');
  expect(broken).toEqual([]);
});

test('a job that is not in the dead-letter queue, or was not replayed, is a broken promise', () => {
  expect(judgeDeadLetter({ ...expected, letter: undefined }).broken).toHaveLength(1);
  expect(judgeDeadLetter({ ...expected, again: undefined }).broken).toHaveLength(1);
  expect(judgeDeadLetter({ ...expected, second: first }).broken).toEqual([
    'The job was replayed, but it has no run 2.',
  ]);
  expect(judgeDeadLetter({ ...expected, first: { ...first, status: 'completed' } }).broken).toEqual([
    'The corrupted image is completed, not failed.',
  ]);
});
