import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { describeEachStore } from '../../testing/each-store.ts';
import type { ObjectStore } from './object-store.ts';
import { openStore } from './open-store.ts';

const MB = 1024 * 1024;

describeEachStore('putting, getting and removing objects', (given) => {
  it('starts and stops twice and at once, and starts beside another one', async () => {
    const others = [openStore(given.config), openStore(given.config)];
    await Promise.all(others.flatMap((other) => [other.start(), other.start()]));
    await Promise.all(others.flatMap((other) => [other.stop(), other.stop()]));
    await others[0]?.start();
    await others[0]?.stop();
  });

  it('gives back what was put', async () => {
    const key = `${given.ownPrefix()}a.json`;
    await given.store.put(key, Buffer.from('{"a":1}'));

    const found = await given.store.get(key);
    expect(found?.stat.size).toBe(7);
    expect(Math.abs(Date.now() - (found?.stat.modifiedAt.getTime() ?? 0))).toBeLessThan(60_000);
    expect(found && (await buffer(found.body)).toString()).toBe('{"a":1}');
    expect((await (await given.store.get(key))?.readBytes())?.toString()).toBe('{"a":1}');
  });

  it('takes an empty object', async () => {
    const key = `${given.ownPrefix()}empty`;
    await given.store.put(key, new Uint8Array());
    expect(await given.bytesOf(key)).toEqual(Buffer.alloc(0));
    expect((await given.store.stat(key))?.size).toBe(0);
  });

  it('takes 12 MB as a buffer and as a stream', async () => {
    const prefix = given.ownPrefix();
    const bytes = randomBytes(12 * MB);
    await given.store.put(`${prefix}buffer`, bytes);
    const stream = Readable.from([bytes.subarray(0, 5 * MB), bytes.subarray(5 * MB)]);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    await given.store.put(`${prefix}stream`, stream, { size: bytes.length, sha256 });
    expect((await given.bytesOf(`${prefix}buffer`))?.equals(bytes)).toBe(true);
    expect((await given.bytesOf(`${prefix}stream`))?.equals(bytes)).toBe(true);
  });

  it('replaces an object, and says so by another ETag', async () => {
    const key = `${given.ownPrefix()}a`;
    await given.store.put(key, Buffer.from('one'));
    const before = await given.store.stat(key);
    await given.store.put(key, Buffer.from('two'));
    const after = await given.store.stat(key);

    expect((await given.bytesOf(key))?.toString()).toBe('two');
    expect(after?.etag).not.toBe(before?.etag);
    expect((await given.store.get(key).then(drained))?.etag).toBe(after?.etag);
  });

  it('gives a reader the whole old or the whole new object while it is being replaced', async () => {
    const key = `${given.ownPrefix()}a`;
    const versions = [1, 2, 3, 4, 5, 6].map((fill) => Buffer.alloc(2 * MB + fill, fill));
    await given.store.put(key, Buffer.alloc(2 * MB, 0));
    const writing = (async () => {
      for (const version of versions) await given.store.put(key, version);
    })();
    for (let i = 0; i < 10; i++) {
      const seen = await given.bytesOf(key);
      expect(seen?.length).toBe(2 * MB + (seen?.[0] ?? NaN));
      expect(new Set(seen).size).toBe(1);
    }
    await writing;
  });

  it('says undefined of what is not there', async () => {
    const key = `${given.ownPrefix()}missing/deep/down.json`;
    expect(await given.store.get(key)).toBeUndefined();
    expect(await given.store.stat(key)).toBeUndefined();
    expect(await given.bytesOf(key)).toBeUndefined();
  });

  it('does not read a folder of objects as an object; a store of files reports it as damaged', async () => {
    const prefix = given.ownPrefix();
    await given.store.put(`${prefix}folder/a`, Buffer.from('a'));
    const expected = given.config.kind === 'folder' ? 'record_damaged' : undefined;
    const codeOf = ({ code }: { code: string }) => code;
    expect(await given.store.get(`${prefix}folder`).catch(codeOf)).toBe(expected);
    expect(await given.store.stat(`${prefix}folder`).catch(codeOf)).toBe(expected);
  });

  it('removes, also twice, also what never was', async () => {
    const key = `${given.ownPrefix()}deep/down/a`;
    await given.store.put(key, Buffer.from('a'));
    await given.store.remove(key);
    expect(await given.store.stat(key)).toBeUndefined();
    await given.store.remove(key);
    await given.store.remove(`${given.ownPrefix()}never`);
  });

  it('removes nothing else', async () => {
    const prefix = given.ownPrefix();
    await given.store.put(`${prefix}a/1`, Buffer.from('1'));
    await given.store.put(`${prefix}a/2`, Buffer.from('2'));
    await given.store.remove(`${prefix}a/1`);
    await given.store.remove(`${prefix}a`);
    expect(await given.keysOf(prefix)).toEqual([`${prefix}a/2`]);
  });

  it('does not disturb those who put beside it', async () => {
    const prefix = given.ownPrefix();
    await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        await given.store.put(`${prefix}shared/${i}`, Buffer.from('x'));
        await given.store.remove(`${prefix}shared/${i}`);
      }),
    );
    expect(await given.keysOf(prefix)).toEqual([]);
  });
});

async function drained(found: Awaited<ReturnType<ObjectStore['get']>>) {
  if (found !== undefined) await buffer(found.body);
  return found?.stat;
}
