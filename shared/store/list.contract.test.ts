import { beforeAll, expect, it } from 'vitest';
import { describeEachStore } from '../../testing/each-store.ts';
import { InvalidKey } from './object-key.ts';
import type { ObjectStore } from './object-store.ts';

describeEachStore('listing objects', (given) => {
  // In byte order: "-" and "." sort before "/", so a folder's content is not where its name would be.
  const names = ['a-b', 'a.json', 'a/1', 'a/10', 'a/2/x', 'a0', 'b/1.json', 'b/2.json', 'c'];
  const prefix = given.ownPrefix();

  beforeAll(async () => {
    for (const name of names.toReversed()) await given.store.put(prefix + name, Buffer.from(name));
  });

  it('gives all below a prefix in byte order, with size, time and ETag', async () => {
    const listed = await Array.fromAsync(given.store.list(prefix));
    expect(listed.map(({ key }) => key)).toEqual(names.map((name) => prefix + name));
    for (const { key, ...stat } of listed) {
      expect(stat.size).toBe(key.length - prefix.length);
      expect({ size: stat.size, etag: stat.etag }).toEqual(await given.store.stat(key).then(sizeAndEtag));
      expect(Math.abs(Date.now() - stat.modifiedAt.getTime())).toBeLessThan(60_000);
    }
  });

  it.each([
    ['a', ['a-b', 'a.json', 'a/1', 'a/10', 'a/2/x', 'a0']],
    ['a/', ['a/1', 'a/10', 'a/2/x']],
    ['a/1', ['a/1', 'a/10']],
    ['b/2.j', ['b/2.json']],
    ['d', []],
    ['a/2/x/', []],
  ])('takes the prefix %s as plain text', async (part, expected) => {
    expect(await given.keysOf(prefix + part)).toEqual(expected.map((name) => prefix + name));
  });

  it('goes on after any key, whether it is there or not', async () => {
    for (const [i, name] of names.entries()) {
      const rest = names.slice(i + 1).map((later) => prefix + later);
      expect(await given.keysOf(prefix, { startAfter: prefix + name })).toEqual(rest);
    }
    expect(await given.keysOf(prefix, { startAfter: `${prefix}a/1z` })).toEqual(
      names.slice(4).map((name) => prefix + name),
    );
    expect(await given.keysOf(`${prefix}b/`, { startAfter: `${prefix}b/1.json` })).toEqual([
      `${prefix}b/2.json`,
    ]);
  });

  it('gives at most as many as asked for, so that pages make up the whole', async () => {
    expect(await given.keysOf(prefix, { limit: 0 })).toEqual([]);
    const seen: string[] = [];
    for (;;) {
      const startAfter = seen.at(-1);
      const page = await given.keysOf(prefix, { limit: 2, ...(startAfter !== undefined && { startAfter }) });
      expect(page.length).toBeLessThanOrEqual(2);
      if (page.length === 0) break;
      seen.push(...page);
    }
    expect(seen).toEqual(names.map((name) => prefix + name));
  });

  it('refuses a place that lies outside of the prefix', async () => {
    await expect(given.keysOf(`${prefix}b/`, { startAfter: `${prefix}a` })).rejects.toThrow(InvalidKey);
  });

  it('gives more than the 1000 keys that S3 gives at once', async () => {
    const many = given.ownPrefix();
    const keys = Array.from({ length: 1_100 }, (_, i) => `${many}${String(i).padStart(4, '0')}`);
    for (let i = 0; i < keys.length; i += 50) {
      await Promise.all(keys.slice(i, i + 50).map((key) => given.store.put(key, Buffer.from('x'))));
    }
    expect(await given.keysOf(many)).toEqual(keys);
    expect(await given.keysOf(many, { limit: 1_001 })).toEqual(keys.slice(0, 1_001));
  });

  it('gives the whole store for an empty prefix', async () => {
    const all = await given.keysOf('');
    expect(all).toEqual(all.toSorted());
    expect(all).toContain(`${prefix}a0`);
    expect(all.filter((key) => key.startsWith('.'))).toEqual([]);
  });
});

function sizeAndEtag(stat: Awaited<ReturnType<ObjectStore['stat']>>) {
  return { size: stat?.size, etag: stat?.etag };
}
