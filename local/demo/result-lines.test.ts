import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import type { Job } from '../pipeline/api-client.ts';
import type { Expectation } from './manifest.ts';
import type { Seen } from './push-image.ts';
import { resultLines } from './result-lines.ts';

const life = {
  submitted_at: '2026-01-01T00:00:00.000Z',
  updated_at: '2026-01-01T00:00:00.840Z',
  run: 1,
  timeline: [],
  runs: [],
};
const completed: Job = {
  job_id: '0190f3c4-aaaa-7000-8000-000000000000',
  status: 'completed',
  ...life,
  original: { name: 'sample.jpg', size: 412_345 },
  source: { width: 1920, height: 1280 },
  result: { url: '/results/1', content_type: 'image/jpeg', size: 61_234, width: 800, height: 533 },
};
const failed: Job = {
  job_id: '0190f3c4-bbbb-7000-8000-000000000000',
  status: 'failed',
  ...life,
  original: { name: 'corrupted.jpg', size: 9_876 },
  error: { code: 'undecodable_image', reason: 'The JPEG ends in mid-scan.' },
};
const results: (readonly [Expectation, Seen])[] = [
  [image('sample.jpg'), { upload: 'accepted', status: 202, job: completed }],
  [image('corrupted.jpg'), { upload: 'accepted', status: 202, job: failed }],
  [image('text.jpg'), { upload: 'refused', status: 415, code: 'unsupported_type', detail: 'No image.' }],
];

function image(file: string): Expectation {
  return { file, description: '', operations: '', upload: { status: 202 } };
}

const plain = (width: number) => resultLines(results, width).map((line) => stripVTControlCharacters(line));

test('on a wide terminal a job is one line, and errors are below', () => {
  expect(plain(120)).toEqual([
    'FILE           STATE      BEFORE            AFTER            TIME  JOB',
    'sample.jpg     completed  1920×1280 412 kB  800×533 61 kB  0.84 s  0190f3c4-aaaa-7000-8000-000000000000',
    'corrupted.jpg  failed     9.9 kB                           0.84 s  0190f3c4-bbbb-7000-8000-000000000000',
    '  undecodable_image: The JPEG ends in mid-scan.',
    'text.jpg       refused                      HTTP 415',
    '  unsupported_type: No image.',
  ]);
});

test('on a narrow terminal the job id is below', () => {
  expect(plain(80).slice(0, 3)).toEqual([
    'FILE           STATE      BEFORE            AFTER            TIME',
    'sample.jpg     completed  1920×1280 412 kB  800×533 61 kB  0.84 s',
    '  job 0190f3c4-aaaa-7000-8000-000000000000',
  ]);
});
