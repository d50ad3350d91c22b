import { expect, test } from 'vitest';
import { startVerdict } from './start-verdict.ts';
import { someContainer } from './testing/some-container.ts';

const none = new Map<string, number>();
const api = someContainer('api');

test('a start is over when all containers are ready that nobody stopped', () => {
  expect(startVerdict([api, someContainer('worker', { state: 'stopped' })], none)).toEqual({ is: 'ready' });
  const starting = someContainer('worker', { state: 'starting' });
  expect(startVerdict([api, starting], none)).toEqual({ is: 'waiting', for: [starting] });
  expect(startVerdict([], none)).toEqual({ is: 'waiting', for: [] });
});

test('a container that ended during the start has failed it, though it is ready again', () => {
  const again = someContainer('worker', { restarts: 3 });
  expect(startVerdict([api, again], none)).toEqual({ is: 'failed', container: again });
  expect(startVerdict([api, again], new Map([[again.id, 3]]))).toEqual({ is: 'ready' });
  const restarting = someContainer('worker', { state: 'restarting' });
  expect(startVerdict([restarting], none)).toEqual({ is: 'failed', container: restarting });
});
