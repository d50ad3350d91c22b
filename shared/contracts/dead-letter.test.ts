import { expect, it } from 'vitest';
import { deadLetterSchema, storedDeadLetterSchema } from './dead-letter.ts';

const at = '2026-01-02T03:04:06.123Z';
const record = {
  version: 1,
  job_id: '019b7c11-5a2b-7a8e-9c51-0123456789ab',
  run: 1,
  attempts: 1,
  error: { code: 'undecodable_image', reason: 'The image is damaged.' },
  death: { reason: 'rejected', queue: 'image.jobs.process', at },
  name: null,
  operations: [],
  submitted_at: null,
  state: 'dead',
};

it('a record of an earlier version is read under its new name', () => {
  const expected = deadLetterSchema.parse({ ...record, dead_lettered_at: at });
  expect(storedDeadLetterSchema.parse({ ...record, buried_at: at })).toEqual(expected);
  expect(storedDeadLetterSchema.parse(expected)).toEqual(expected);
});
