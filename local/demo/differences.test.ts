import { expect, test } from 'vitest';
import type { Job } from '../pipeline/api-client.ts';
import { differences } from './differences.ts';

const job: Job = {
  job_id: '0190f3c4-0000-7000-8000-000000000000',
  status: 'completed',
  submitted_at: '2026-01-01T00:00:00.000Z',
  updated_at: '2026-01-01T00:00:01.000Z',
  original: { name: 'a.jpg', size: 1_000 },
  run: 1,
  timeline: [],
  runs: [],
  result: { url: '/results/1', content_type: 'image/jpeg', size: 500, width: 800, height: 600 },
};
const expected = { file: 'a.jpg', description: '', operations: '', upload: { status: 202 } };

test('an image that ended as expected has no differences, and what is not said is not checked', () => {
  const seen = { upload: 'accepted', status: 202, job } as const;
  expect(differences(expected, seen)).toEqual([]);
  expect(differences({ ...expected, state: 'completed', result: { width: 800 } }, seen)).toEqual([]);
});

test('every difference is reported', () => {
  const seen = { upload: 'accepted', status: 202, job } as const;
  expect(
    differences(
      { ...expected, state: 'failed', error_code: 'undecodable_image', result: { height: 533 } },
      seen,
    ),
  ).toEqual([
    'a.jpg: state is completed, expected failed',
    'a.jpg: error code is missing, expected undecodable_image',
    'a.jpg: height is 600, expected 533',
  ]);
});

test('a refusal is compared by its status and code, and an acceptance in its place is a difference', () => {
  const refused = { ...expected, upload: { status: 415, code: 'unsupported_type' } };
  const seen = { upload: 'refused', status: 415, code: 'unsupported_type', detail: '' } as const;
  expect(differences(refused, seen)).toEqual([]);
  expect(differences(refused, { ...seen, code: 'empty_file' })).toEqual([
    'a.jpg: problem code is empty_file, expected unsupported_type',
  ]);
  expect(differences(refused, { upload: 'accepted', status: 202, job })).toEqual([
    'a.jpg: upload status is 202, expected 415',
  ]);
});
