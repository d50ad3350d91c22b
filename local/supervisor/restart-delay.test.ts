import { expect, test } from 'vitest';
import { endsInARow, restartDelay } from './restart-delay.ts';

test('the waits double up to half a minute', () => {
  expect([1, 2, 3, 7, 50].map(restartDelay)).toEqual([500, 1_000, 2_000, 30_000, 30_000]);
});

test('a process that was healthy for a minute begins anew', () => {
  expect(endsInARow(4, 59_000)).toBe(5);
  expect(endsInARow(4, 60_000)).toBe(1);
});
