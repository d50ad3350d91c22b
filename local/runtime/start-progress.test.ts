import { expect, test } from 'vitest';
import { someContainer } from '../compose/testing/some-container.ts';
import type { ServiceReport } from '../supervisor/control.ts';
import { firstErrorIn, startProgress } from './start-progress.ts';

const api: ServiceReport = { name: 'api', state: 'ready', port: 8000, restarts: 0, logFile: 'api.log' };
const worker: ServiceReport = { ...api, name: 'worker-1', state: 'starting' };

test('a start is complete when everything is ready that nobody stopped', () => {
  expect(startProgress([api])).toEqual({ is: 'ready' });
  expect(startProgress([api, { ...worker, state: 'stopped' }])).toEqual({ is: 'ready' });
  expect(startProgress([api, worker])).toEqual({ is: 'waiting', for: [worker] });
  expect(startProgress([])).toEqual({ is: 'waiting', for: [] });
});

test('a service that exited once has failed the start, even if it is ready again', () => {
  const crashed = { ...api, restarts: 1 };
  expect(startProgress([crashed])).toEqual({ is: 'failed', service: crashed });
  const misconfigured = { ...worker, state: 'failed' } as const;
  expect(startProgress([api, misconfigured])).toEqual({ is: 'failed', service: misconfigured });
});

test('only restarts during the start count', () => {
  const container = someContainer('worker', { restarts: 3 });
  expect(startProgress([container], () => 0)).toEqual({ is: 'failed', service: container });
  expect(startProgress([container], ({ id }) => (id === container.id ? 3 : 0))).toEqual({ is: 'ready' });
  const restarting = someContainer('worker', { state: 'restarting' });
  expect(startProgress([restarting], () => 0)).toEqual({ is: 'failed', service: restarting });
});

test('the first error in a log is found, whether a plain line or a stack', () => {
  expect(firstErrorIn('api: starting\nTypeError: x is not a function\n    at main.ts:1\nError: later')).toBe(
    'TypeError: x is not a function',
  );
  expect(firstErrorIn('api: starting\napi: ready')).toBeUndefined();
});
