import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { drawFrom } from '../draw.ts';
import { compareWorkers, planRuns, readWorkerSettings } from './compare-workers.ts';
import { Guide } from './guide.ts';
import { Monitoring } from './monitoring.ts';

const guide = (stop = new AbortController().signal) =>
  new Guide({ input: new PassThrough(), output: new PassThrough().resume() }, stop);

const settings = readWorkerSettings({ count: '50', repeats: '1', workers: '1,4', seed: '1' });

function givenTools() {
  const calls: string[] = [];
  const tools = {
    monitoring: new Monitoring(undefined),
    scale: (workers: number, slots?: number | 'default') => {
      calls.push(`scale ${workers} with ${slots ?? 'any'} slot each`);
      return Promise.resolve();
    },
    bulkUpload: ({ COUNT, EXPERIMENT, REPEAT, WARM_UP = '0' }: Readonly<Record<string, string>>) => {
      calls.push(`${EXPERIMENT ?? ''} ${REPEAT ?? ''}: ${COUNT ?? ''} images, warm-up ${WARM_UP}`);
      return Promise.resolve('result.json');
    },
    analyze: () => {
      calls.push('analyze');
      return Promise.resolve();
    },
  };
  return { calls, tools };
}

test('each number of workers is warmed up, then measured with one slot per worker; then the results are analyzed', async () => {
  const { calls, tools } = givenTools();
  await compareWorkers(guide(), settings, tools);
  const measured = (workers: number) => [
    `scale ${workers} with 1 slot each`,
    'workers 1: 20 images, warm-up 1',
    'workers 1: 50 images, warm-up 0',
  ];
  const orders = [
    [...measured(1), ...measured(4), 'analyze'],
    [...measured(4), ...measured(1), 'analyze'],
  ];
  expect(orders).toContainEqual(calls);
});

test('a failed run and Ctrl-C end the experiment', async () => {
  const failing = givenTools();
  const fails = () => Promise.reject(new Error('k6 is missing'));
  await expect(compareWorkers(guide(), settings, { ...failing.tools, bulkUpload: fails })).rejects.toThrow(
    'k6 is missing',
  );
  const stopped = givenTools();
  const stop = new AbortController();
  const bulkUpload = (given: Readonly<Record<string, string>>) => {
    stop.abort();
    return stopped.tools.bulkUpload(given);
  };
  await expect(
    compareWorkers(guide(stop.signal), settings, { ...stopped.tools, bulkUpload }),
  ).rejects.toThrow('aborted');
  expect(stopped.calls).toHaveLength(2);
});

const none = { count: '', repeats: '', workers: '', seed: '' };

test('the defaults are those of the handout, three times each', () => {
  expect(readWorkerSettings(none)).toEqual({
    count: 100,
    repeats: 3,
    workers: [1, 2, 3, 5],
    seed: undefined,
  });
});

test('duplicate numbers of workers and spaces are ignored', () => {
  expect(readWorkerSettings({ ...none, workers: '4, 2,2' }).workers).toEqual([2, 4]);
});

test('an invalid setting is rejected with its name, its limits and an example', () => {
  expect(() => readWorkerSettings({ ...none, count: 'abc' })).toThrow(
    'COUNT is "abc", but must be a whole number from 1 to 100000, for example: make experiment-workers COUNT=100',
  );
  expect(() => readWorkerSettings({ ...none, repeats: '0' })).toThrow('REPEATS is "0"');
  expect(() => readWorkerSettings({ ...none, workers: '1;2' })).toThrow(
    'WORKERS_LIST is "1;2", but must be comma-separated numbers from 1 to 32',
  );
  expect(() => readWorkerSettings({ ...none, workers: '1,33' })).toThrow('WORKERS_LIST');
  expect(() => readWorkerSettings({ ...none, seed: '-1' })).toThrow('SEED is "-1"');
});

test('each repeat has every number of workers once, in an order that depends on the seed', () => {
  const settings = readWorkerSettings(none);
  const runs = planRuns(settings, drawFrom(42));
  for (const repeat of [1, 2, 3]) {
    const workers = runs.filter((run) => run.repeat === repeat).map((run) => run.workers);
    expect(workers.toSorted()).toEqual([1, 2, 3, 5]);
  }
  expect(planRuns(settings, drawFrom(42))).toEqual(runs);
  expect(planRuns(settings, drawFrom(43))).not.toEqual(runs);
});
