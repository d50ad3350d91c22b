import { randomUUID } from 'node:crypto';
import type { ObjectStore } from './object-store.ts';
import { StoreMisconfigured } from './store-failure.ts';

/**
 * Writes an object twice and refuses a store that takes the second one: on it, two attempts could both believe that they
 * ended a run, and a job could end twice.
 *
 * @param remedy what to do about such a store, as a sentence
 * @throws StoreMisconfigured, StoreUnavailable
 */
export async function provePutIfAbsent(
  store: Pick<ObjectStore, 'putIfAbsent' | 'remove'>,
  remedy: string,
): Promise<void> {
  // A key of its own each time: services that start at once must not take each other for a second writer.
  const key = `probe/${randomUUID()}`;
  try {
    const first = await store.putIfAbsent(key, Buffer.from('first'));
    const second = await store.putIfAbsent(key, Buffer.from('second'));
    if (!first || second) {
      throw new StoreMisconfigured(
        `The object store does not support put-if-absent (conditional writes). ${remedy}`,
      );
    }
  } finally {
    await store.remove(key);
  }
}
