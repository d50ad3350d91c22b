import { expect, it } from 'vitest';
import { workerHealth } from './watch-health.ts';

it.each([
  ['consumes jobs', 0, undefined, { status: 'ok', age_seconds: 0 }],
  ['lost RabbitMQ a moment ago', 3, 'no connection', { status: 'ok', age_seconds: 3 }],
  ['lost it long ago', 15, 'no connection', { status: 'stale', age_seconds: 15, message: 'no connection' }],
  [
    'never connected',
    undefined,
    'no connection',
    { status: 'error', age_seconds: null, message: 'no connection' },
  ],
] as const)('a worker that %s', (_case, age, reason, health) => {
  expect(workerHealth(age, reason)).toEqual(health);
});
