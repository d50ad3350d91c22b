import { expect, test } from 'vitest';
import { drawFrom } from '../../load_test/draw.ts';
import { planRuns, readWorkerSettings } from './worker-settings.ts';

const none = { count: '', repeats: '', workers: '', seed: '' };

test('the defaults are those of the handout, three times each', () => {
  expect(readWorkerSettings(none)).toEqual({
    count: 100,
    repeats: 3,
    workers: [1, 2, 3, 5],
    seed: undefined,
  });
});

test('numbers of workers count once, in any spelling', () => {
  expect(readWorkerSettings({ ...none, workers: '4, 2,2' }).workers).toEqual([2, 4]);
});

test('what cannot be is refused with the setting, its limits and an example', () => {
  expect(() => readWorkerSettings({ ...none, count: 'abc' })).toThrow(
    'COUNT is "abc" but must be a whole number from 1 to 100000, for example: make experiment-workers COUNT=100',
  );
  expect(() => readWorkerSettings({ ...none, repeats: '0' })).toThrow('REPEATS is "0"');
  expect(() => readWorkerSettings({ ...none, workers: '1;2' })).toThrow(
    'WORKERS_LIST is "1;2" but must be comma-separated numbers from 1 to 32',
  );
  expect(() => readWorkerSettings({ ...none, workers: '1,33' })).toThrow('WORKERS_LIST');
  expect(() => readWorkerSettings({ ...none, seed: '-1' })).toThrow('SEED is "-1"');
});

test('each repeat has every number of workers once; the seed decides the order', () => {
  const settings = readWorkerSettings(none);
  const runs = planRuns(settings, drawFrom(42));
  for (const repeat of [1, 2, 3]) {
    const workers = runs.filter((run) => run.repeat === repeat).map((run) => run.workers);
    expect(workers.toSorted()).toEqual([1, 2, 3, 5]);
  }
  expect(planRuns(settings, drawFrom(42))).toEqual(runs);
  expect(planRuns(settings, drawFrom(43))).not.toEqual(runs);
});
