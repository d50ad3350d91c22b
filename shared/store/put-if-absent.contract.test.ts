import { randomBytes, randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { describeEachStore } from '../../testing/each-store.ts';
import { openStore } from './open-store.ts';

const MB = 1024 * 1024;

describeEachStore('put-if-absent', (given) => {
  it('takes the first object and refuses the second', async () => {
    const key = `${given.ownPrefix()}outcome.json`;
    expect(await given.store.putIfAbsent(key, Buffer.from('first'))).toBe(true);
    expect(await given.store.putIfAbsent(key, Buffer.from('second'))).toBe(false);
    expect((await given.bytesOf(key))?.toString()).toBe('first');
  });

  it('has exactly one winner among 20 writers at once', async () => {
    const key = `${given.ownPrefix()}outcome.json`;
    const writers = Array.from({ length: 20 }, (_, i) => `attempt ${i} ${randomUUID()}`);
    const won = await Promise.all(
      writers.map(async (writer) => {
        const own = openStore(given.config);
        try {
          return await own.putIfAbsent(key, Buffer.from(writer));
        } finally {
          await own.stop();
        }
      }),
    );

    const winners = writers.filter((_, i) => won[i]);
    expect(winners).toHaveLength(1);
    expect((await given.bytesOf(key))?.toString()).toBe(winners[0]);
  });

  it('tells a writer that repeats itself that the object is its own', async () => {
    const key = `${given.ownPrefix()}outcome.json`;
    const body = Buffer.from('attempt 1');
    expect(await given.store.putIfAbsent(key, body)).toBe(true);
    expect(await given.store.putIfAbsent(key, body)).toBe(true);
    // As long, so that only the bytes tell them apart.
    expect(await given.store.putIfAbsent(key, Buffer.from('attempt 2'))).toBe(false);
  });

  it('gives way to what a put has stored, and takes a key again once it is free', async () => {
    const key = `${given.ownPrefix()}a`;
    await given.store.put(key, Buffer.from('put'));
    expect(await given.store.putIfAbsent(key, Buffer.from('later'))).toBe(false);
    await given.store.remove(key);
    expect(await given.store.putIfAbsent(key, Buffer.from('later'))).toBe(true);
  });

  it('takes and compares a large object', async () => {
    const key = `${given.ownPrefix()}a`;
    const body = randomBytes(3 * MB);
    expect(await given.store.putIfAbsent(key, body)).toBe(true);
    expect(await given.store.putIfAbsent(key, body)).toBe(true);
    expect(await given.store.putIfAbsent(key, randomBytes(3 * MB))).toBe(false);
  });
});
