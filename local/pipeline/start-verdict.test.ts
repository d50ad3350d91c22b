import { expect, test } from 'vitest';
import type { ServiceReport } from '../supervisor/report.ts';
import { firstErrorIn, startVerdict } from './start-verdict.ts';

const api: ServiceReport = { name: 'api', state: 'ready', port: 8000, restarts: 0, logFile: 'api.log' };
const worker: ServiceReport = { ...api, name: 'worker-1', state: 'starting' };

test('a start is over when everything is ready, and not before everything was started', () => {
  expect(startVerdict({ phase: 'running', services: [api] })).toEqual({ is: 'ready' });
  expect(startVerdict({ phase: 'starting', services: [api] })).toEqual({ is: 'waiting', for: [] });
  expect(startVerdict({ phase: 'running', services: [api, worker] })).toEqual({
    is: 'waiting',
    for: [worker],
  });
});

test('a service that has ended once has failed the start, though it is ready again', () => {
  const crashed = { ...api, restarts: 1 };
  expect(startVerdict({ phase: 'running', services: [crashed] })).toEqual({ is: 'failed', service: crashed });
  const misconfigured = { ...worker, state: 'failed' } as const;
  expect(startVerdict({ phase: 'running', services: [api, misconfigured] })).toEqual({
    is: 'failed',
    service: misconfigured,
  });
});

test('the first error of a log is found, be it a plain line or a stack', () => {
  expect(firstErrorIn('api: starting\nTypeError: x is not a function\n    at main.ts:1\nError: later')).toBe(
    'TypeError: x is not a function',
  );
  expect(firstErrorIn('api: starting\napi: ready')).toBeUndefined();
});
