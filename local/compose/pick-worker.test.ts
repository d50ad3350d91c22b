import { expect, test } from 'vitest';
import { workerToStart, workerToStop } from './pick-worker.ts';
import { someContainer } from './testing/some-container.ts';

const containers = [
  someContainer('api', { number: 9 }),
  someContainer('worker', { number: 3, state: 'stopped' }),
  someContainer('worker', { number: 2 }),
  someContainer('worker', { number: 1 }),
];

test('the newest worker that runs is stopped, and a stopped one is started again', () => {
  expect(workerToStop(containers)?.number).toBe(2);
  expect(workerToStart(containers)?.number).toBe(3);
});

test('there may be none to stop, and none to start', () => {
  expect(workerToStop([someContainer('worker', { state: 'stopped' })])).toBeUndefined();
  expect(workerToStart([someContainer('worker')])).toBeUndefined();
});
