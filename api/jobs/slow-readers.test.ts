import { createHash } from 'node:crypto';
import { originalKey } from '@image-pipeline/shared/store/keys.ts';
import { expect, it } from 'vitest';
import { someRequest } from '../../testing/job-life.ts';
import { RawClient } from '../../testing/raw-client.ts';
import { setUpSystem, type TestApi } from '../../testing/test-system.ts';

const MIB = 1024 * 1024;
/** More than the buffers of a connection in the system can take. */
const ORIGINAL = Buffer.alloc(9 * MIB, 'noise');
const READERS = 300;

const system = setUpSystem();

it('many slow readers of a large original take little memory, and leave slots for other addresses', async () => {
  const api = await system.startApi({ TRUSTED_PROXIES: 1 }, { downloadWaitMs: 60_000 });
  const path = await storedOriginal();
  const download = (address: string) => api.ask(path, { headers: { 'X-Forwarded-For': address } });
  await download('198.51.100.1');
  const before = process.memoryUsage().arrayBuffers;
  const readers = await Promise.all(Array.from({ length: READERS }, () => slowReader(api, path)));
  await expect.poll(() => readers.filter(hasBegun).length, { timeout: 20_000 }).toBe(32);
  const { bytes } = await download('198.51.100.1');
  expect(bytes.equals(ORIGINAL)).toBe(true);
  expect(readers.filter(hasBegun)).toHaveLength(32);
  // Of 2.7 GB: a few chunks for each of 32, and the copy that this test has just read.
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(96 * MIB);
}, 60_000);

it('a reader without a slot gets 503 and when to retry', async () => {
  const api = await system.startApi({}, { downloads: 2, downloadWaitMs: 300 });
  const path = await storedOriginal();
  const reader = await slowReader(api, path);
  await expect.poll(() => hasBegun(reader), { timeout: 20_000 }).toBe(true);
  const refused = await api.ask(path);
  expect(refused).toMatchObject({
    status: 503,
    json: {
      code: 'overloaded',
      detail: 'Too many requests in progress: no slot for downloads became free within 0.3 s. Retry later.',
    },
  });
  expect(refused.headers.get('retry-after')).toBe('2');
  expect(await api.ask(path, { method: 'HEAD' })).toMatchObject({ status: 200 });
  reader.abort();
  await expect.poll(async () => (await api.ask(path)).status, { timeout: 20_000 }).toBe(200);
});

it('a reader below the minimum rate is disconnected, and its slot becomes free', async () => {
  const api = await system.startApi(
    {},
    { downloads: 2, downloadWaitMs: 30_000, downloadGraceMs: 400, downloadMinRate: 2 * MIB },
  );
  const path = await storedOriginal();
  const reader = await slowReader(api, path);
  await expect.poll(() => hasBegun(reader), { timeout: 20_000 }).toBe(true);
  // Waits for the slot.
  expect((await api.ask(path)).bytes.equals(ORIGINAL)).toBe(true);
  reader.socket.resume();
  await reader.closed();
  expect(reader.received.length).toBeLessThan(ORIGINAL.length);
});

/** The path of a job's original of 9 MiB. */
async function storedOriginal(): Promise<string> {
  const { original, ...others } = someRequest();
  const sha256 = createHash('sha256').update(ORIGINAL).digest('hex');
  const request = { ...others, original: { ...original, size: ORIGINAL.length, sha256 } };
  await system.store.put(originalKey(request.job_id), ORIGINAL);
  await system.storeJob(request);
  return `/originals/${request.job_id}`;
}

/** A client that reads the beginning of a response, then nothing. */
async function slowReader(api: TestApi, path: string): Promise<RawClient> {
  const client = await RawClient.to(api.port);
  system.onTestEnd(() => {
    client.abort();
    return Promise.resolve();
  });
  client.socket.once('data', () => client.socket.pause());
  await client.send(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  return client;
}

function hasBegun({ received }: RawClient): boolean {
  return received.startsWith('HTTP/1.1 200');
}
