import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { compareWorkers } from './compare-workers.ts';
import { Guide } from './guide.ts';
import { Monitoring } from './monitoring.ts';
import { readWorkerSettings } from './worker-settings.ts';

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

test('each number of workers is warmed up, then measured, with one slot a worker; then all is analyzed', async () => {
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

test('a run that fails ends the experiment, and so does Ctrl-C', async () => {
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
