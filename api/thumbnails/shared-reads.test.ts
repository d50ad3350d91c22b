import { RequestQueue } from '@image-pipeline/shared/request-queue.ts';
import { expect, it } from 'vitest';
import { SharedReads } from './shared-reads.ts';

const { signal } = new AbortController();

/** Reads that the test ends, one at a time. */
function heldReads(count: number) {
  const queue = new RequestQueue({ maxConcurrent: 1, minInterval: 0 });
  const reads = new SharedReads<number>(queue);
  const values = Array.from({ length: count }, () => Promise.withResolvers<number>());
  const started: number[] = [];
  const join = (key: number, caller: string, timeoutMs = 20_000) => {
    const read = () => {
      started.push(key);
      return values[key]?.promise ?? Promise.reject(new Error('no such key'));
    };
    return reads.join(String(key), { read, caller, timeoutMs, signal });
  };
  const end = (key: number) => values[key]?.resolve(key);
  return { queue, join, end, started };
}

it('a caller does not wait behind the requests of another for the same values', async () => {
  const { queue, join, end, started } = heldReads(10);
  const flood = Array.from({ length: 10 }, (_, key) => join(key, 'flood'));
  const own = join(9, 'client');
  await expect.poll(() => started).toEqual([0]);
  end(0);
  // The caller with the most requests may have one turn before it.
  await expect.poll(() => started.length).toBe(2);
  end(1);
  end(9);
  expect(await own).toBe(9);
  expect(started.length).toBeLessThanOrEqual(4);
  for (let key = 0; key < 10; key++) end(key);
  expect(await Promise.all(flood)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(started).toHaveLength(10);
  expect(queue.getStats()).toMatchObject({ active_requests: 0, waiting_requests: 0 });
});

it('each request has its own deadline', async () => {
  const { join, end, started } = heldReads(1);
  const first = join(0, 'first', 50);
  const sameCaller = join(0, 'first');
  const later = join(0, 'later');
  await expect(first).rejects.toMatchObject({
    code: 'store_unavailable',
    message: 'The object store did not respond in time. Retry later.',
  });
  end(0);
  expect(await Promise.all([sameCaller, later])).toEqual([0, 0]);
  expect(started).toEqual([0]);
});

it('a request that gets no slot in time leaves the queue, and others for the same value stay', async () => {
  const { queue, join, end } = heldReads(2);
  const busy = join(0, 'other');
  const impatient = join(1, 'impatient', 50);
  const patient = join(1, 'patient');
  await expect(impatient).rejects.toMatchObject({ code: 'overloaded' });
  await expect.poll(() => queue.getStats().waiting_requests).toBe(1);
  end(0);
  end(1);
  expect(await Promise.all([busy, patient])).toEqual([0, 1]);
});
