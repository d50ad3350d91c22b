import { expect, test } from 'vitest';
import { nextSteps } from './jobs.ts';

const URL = 'http://localhost:8000';

test('a completed job has a result to download or open', () => {
  expect(nextSteps(URL, '7', 'completed')).toEqual([
    'curl -o result.jpg "http://localhost:8000/results/7"',
    'In the browser: http://localhost:8000/results/7',
  ]);
});

test('only a job that has a dead letter can be replayed', () => {
  expect(nextSteps(URL, '7', 'dead').join()).toContain('make replay ID=7');
  expect(nextSteps(URL, '7', 'failed').join()).not.toContain('make replay');
});

test('a job that has not ended can be waited for', () => {
  expect(nextSteps(URL, '7', 'queued').join()).toContain('/status/7?wait=20');
});
