import { randomUUID } from 'node:crypto';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'minio';
import { expect, inject, it, onTestFinished } from 'vitest';
import { testLog } from '../../testing/test-broker.ts';
import { StoreUnavailable } from '../errors.ts';
import type { ObjectStore } from './object-store.ts';
import { openStore } from './open-store.ts';
import { StoreWatch } from './store-watch.ts';

const SOON = { timeout: 20_000, interval: 50 };
const minio = inject('minio');

it('names a folder that is removed while nobody uses it, until it is back', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'store-watch-'));
  onTestFinished(() => rm(parent, { recursive: true }));
  const folder = join(parent, 'store');
  const watch = await watching(openStore({ kind: 'folder', folder }));
  await rename(folder, `${folder}-moved`);
  await expect.poll(() => watch.unavailableBecause, SOON).toMatch(/its folder does not exist/);
  const available = watch.whenAvailable(AbortSignal.timeout(20_000));
  await rename(`${folder}-moved`, folder);
  await available;
  await expect.poll(() => watch.unavailableBecause, SOON).toBeUndefined();
});

it('names a store that refuses writes, which can still be read, until it accepts them', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'store-watch-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const real = openStore({ kind: 'folder', folder });
  let isFull = false;
  const full = () => Promise.reject(new StoreUnavailable('no space left on the device (ENOSPC)'));
  const filling: ObjectStore = {
    start: () => real.start(),
    stop: () => real.stop(),
    put: (key, body, options) => (isFull ? full() : real.put(key, body, options)),
    putIfAbsent: (key, body) => (isFull ? full() : real.putIfAbsent(key, body)),
    get: (key) => real.get(key),
    stat: (key) => real.stat(key),
    list: (prefix, options) => real.list(prefix, options),
    remove: (key) => real.remove(key),
  };
  const watch = await watching(filling);
  const store = watch.watchWrites(filling);
  await store.put('a', Buffer.from('a'));
  isFull = true;
  await expect(store.put('b', Buffer.from('b'))).rejects.toThrow('ENOSPC');
  expect(watch.unavailableBecause).toMatch(/ENOSPC/);
  expect((await store.stat('a'))?.size).toBe(1);
  isFull = false;
  await expect.poll(() => watch.unavailableBecause, SOON).toBeUndefined();
  expect(await store.stat('state/readiness')).toBeUndefined();
});

it.skipIf(minio === null)(
  'names a bucket that is removed while nobody uses it, until it is back',
  async () => {
    const { endpoint, accessKey, secretKey } = minio ?? { endpoint: '', accessKey: '', secretKey: '' };
    const [bucket, region] = [randomUUID(), 'us-east-1'];
    const watch = await watching(
      openStore({ kind: 'minio', endpoint, accessKey, secretKey, bucket, region }),
    );
    const { hostname, port } = new URL(endpoint);
    const client = new Client({
      endPoint: hostname,
      port: Number(port),
      useSSL: false,
      accessKey,
      secretKey,
    });
    await client.removeBucket(bucket);
    await expect.poll(() => watch.unavailableBecause, SOON).toMatch(`bucket ${bucket}`);
    expect(watch.unavailableBecause).toMatch(/the bucket does not exist/);
    await client.makeBucket(bucket, region);
    await expect.poll(() => watch.unavailableBecause, SOON).toBeUndefined();
  },
);

async function watching(store: ObjectStore): Promise<StoreWatch> {
  await store.start();
  const watch = new StoreWatch(store, testLog);
  onTestFinished(async () => {
    await watch.stop();
    await store.stop();
  });
  expect(watch.unavailableBecause).toMatch(/not responded yet/);
  await watch.start();
  expect(watch.unavailableBecause).toBeUndefined();
  return watch;
}
