import { randomUUID } from 'node:crypto';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'minio';
import { expect, inject, it, onTestFinished } from 'vitest';
import { testLog } from '../../testing/test-broker.ts';
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
