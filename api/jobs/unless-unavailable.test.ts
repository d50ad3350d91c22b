import { setTimeout } from 'node:timers/promises';
import { StoreUnavailable } from '@image-pipeline/shared/errors.ts';
import { expect, it } from 'vitest';
import { createUnlessUnavailable } from './unless-unavailable.ts';

it('returns what the store returns, and undefined while it is unavailable', async () => {
  const unlessUnavailable = createUnlessUnavailable({ timeoutMs: 1_000, maxConcurrent: 1 });
  expect(await unlessUnavailable(() => Promise.resolve(1))).toBe(1);
  expect(
    await unlessUnavailable<number>(() => Promise.reject(new StoreUnavailable('It is down.'))),
  ).toBeUndefined();
  await expect(unlessUnavailable(() => Promise.reject(new Error('a bug')))).rejects.toThrow('a bug');
});

it('limits the reads of a silent store, and reads again once it responds', async () => {
  const unlessUnavailable = createUnlessUnavailable({ timeoutMs: 20, maxConcurrent: 2 });
  const pending = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
  let asked = 0;
  const ask = () => unlessUnavailable(() => pending[asked++]?.promise ?? Promise.resolve('at once'));
  expect(await Promise.all([ask(), ask(), ask()])).toEqual([undefined, undefined, undefined]);
  expect(await ask()).toBeUndefined();
  expect(asked).toBe(2);
  pending[0]?.resolve('late');
  await setTimeout(0);
  expect(await ask()).toBe('at once');
  // A late failure must not be an unhandled rejection.
  pending[1]?.reject(new Error('late, too'));
});
