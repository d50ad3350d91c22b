import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { describeEachStore } from '../../testing/each-store.ts';
import { jsonBody, readBytes, readJson } from './read-object.ts';

const MB = 1024 * 1024;

describeEachStore('reading objects', (given) => {
  it('refuses to gather an object that is larger than the reader’s limit', async () => {
    const key = `${given.ownPrefix()}a`;
    await given.store.put(key, Buffer.alloc(1_001));
    await expect(readBytes(given.store, key, 1_000)).rejects.toThrow('1001 bytes; the maximum is 1000');
  });

  it('gives a record as its schema wants it, and names one that is not so', async () => {
    const key = `${given.ownPrefix()}a.json`;
    await given.store.put(key, jsonBody({ run: 1 }));
    expect(await readJson(given.store, key, { parse: (value) => value })).toEqual({ run: 1 });
    await given.store.put(key, Buffer.from('{"run":'));
    await expect(readJson(given.store, key, { parse: (value) => value })).rejects.toThrow(key);
  });

  it('lets go of a body that is destroyed midway', async () => {
    const key = `${given.ownPrefix()}a`;
    await given.store.put(key, randomBytes(4 * MB));
    const found = await given.store.get(key);
    await found?.body[Symbol.asyncIterator]().next();
    found?.body.destroy();
    expect((await given.bytesOf(key))?.length).toBe(4 * MB);
  });
});
