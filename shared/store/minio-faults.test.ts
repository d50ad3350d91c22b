import { randomBytes, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { finished } from 'node:stream/promises';
import { Client } from 'minio';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { StoreUnavailable } from '../errors.ts';
import { TcpProxy } from '../../testing/tcp-proxy.ts';
import type { MinioStoreOptions } from './minio-connection.ts';
import { MinioStore } from './minio-store.ts';

const minio = inject('minio');
const timeouts = { connectMs: 500, operationMs: 1_000 };
const body = Buffer.from('attempt 1');

describe.skipIf(minio === null)('MinIO that fails (skipped where no server can be had)', () => {
  const bucket = randomUUID();
  let proxy: TcpProxy;
  let options: MinioStoreOptions;
  /** Through the proxy. */
  let store: MinioStore;
  /** Past the proxy. */
  let direct: MinioStore;

  beforeAll(async () => {
    if (minio === null) return;
    const { hostname, port } = new URL(minio.endpoint);
    proxy = await TcpProxy.to({ host: hostname, port: Number(port) });
    options = { ...minio, bucket, region: 'us-east-1', timeouts };
    store = new MinioStore({ ...options, endpoint: `http://127.0.0.1:${proxy.port}` });
    direct = new MinioStore(options);
    await store.start();
  });

  afterEach(async () => {
    await proxy.resume();
  });

  afterAll(async () => {
    await store.stop();
    await direct.stop();
    await vi.waitFor(() => expect(proxy.connections, 'connections left open').toBe(0));
    await proxy.close();
  });

  it('fails at once when nothing listens, and works when it is back', async () => {
    await proxy.refuse();
    for (const call of everyCall(aKey())) {
      await expect(call()).rejects.toThrow(StoreUnavailable);
    }
    await expect(store.stat('faults/a')).rejects.toThrow(
      `The object store (MinIO, bucket ${bucket}) failed to stat faults/a: connection refused (ECONNREFUSED).`,
    );
    await proxy.resume();
    await itWorks();
  });

  it('says so within the timeout when the network swallows everything, and works when it is back', async () => {
    await itWorks();
    proxy.freeze();
    const began = performance.now();
    const outcomes = await Promise.allSettled(everyCall(aKey()).map((call) => call()));
    // put-if-absent looks for what it may have written: two operations.
    expect(performance.now() - began).toBeLessThan(2 * timeouts.operationMs + 500);
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'store_unavailable' } });
    }
    await proxy.resume();
    await itWorks();
  });

  it('refuses a stream whose bytes are not those of its digest, and what was there stays', async () => {
    const key = aKey();
    await direct.put(key, body);
    const announced = { size: 9, sha256: 'ab'.repeat(32) };
    await expect(direct.put(key, Readable.from([Buffer.from('attempt 2')]), announced)).rejects.toThrow(
      StoreUnavailable,
    );
    expect((await direct.stat(key))?.size).toBe(body.length);
    expect(await buffer((await direct.get(key))?.body ?? Readable.from([]))).toEqual(body);
  });

  it('gives up on a connection that is never made', async () => {
    proxy.freeze();
    const secure = new MinioStore({ ...options, endpoint: `https://127.0.0.1:${proxy.port}` });
    const began = performance.now();
    await expect(secure.stat('a')).rejects.toThrow('connection timed out (ETIMEDOUT)');
    expect(performance.now() - began).toBeLessThan(timeouts.connectMs + 300);
    await secure.stop();
  });

  it('does not hand out a body that was cut as if it were whole', async () => {
    const key = aKey();
    await direct.put(key, randomBytes(24 * 1024 * 1024));
    const found = await store.get(key);
    const reading = (async () => {
      let seen = 0;
      for await (const chunk of found?.body ?? []) {
        seen += (chunk as Buffer).length;
        proxy.cut();
      }
      return seen;
    })();
    await expect(reading).rejects.toThrow(`failed to get ${key}: connection reset (ECONNRESET)`);
  });

  it('does not wait forever for a body that stalls', async () => {
    const key = aKey();
    await direct.put(key, randomBytes(24 * 1024 * 1024));
    const found = await store.get(key);
    const began = performance.now();
    const reading = (async () => {
      found?.body.on('data', () => proxy.freeze());
      await finished(found?.body ?? Readable.from([]));
    })();
    await expect(reading).rejects.toThrow(`failed to get ${key}: timed out after 1000 ms`);
    expect(performance.now() - began).toBeLessThan(timeouts.operationMs + 1_000);
  });

  it('keeps a failure that occurs before the first read, and rejects that read', async () => {
    const key = aKey();
    await direct.put(key, randomBytes(24 * 1024 * 1024));
    const found = await store.get(key);
    if (found === undefined) throw new Error('missing');
    proxy.cut();
    found.body.read(0);
    await vi.waitFor(() => expect(found.body.destroyed).toBe(true));
    await expect(buffer(found.body)).rejects.toThrow(StoreUnavailable);
  });

  it('leaves nothing of a put that is cut midway', async () => {
    const key = aKey();
    const frozen = proxy.freezeAfter(1024 * 1024);
    const failed = expect(store.put(key, randomBytes(8 * 1024 * 1024))).rejects.toThrow(StoreUnavailable);
    await frozen;
    proxy.cut();
    await failed;
    await proxy.resume();
    expect(await direct.stat(key)).toBeUndefined();
  });

  it('recognises its own put-if-absent when the response was lost', async () => {
    const key = aKey();
    const swallowed = proxy.mute();
    const put = store.putIfAbsent(key, body);
    await swallowed;
    await proxy.resume();
    expect(await put).toBe(true);
    expect(await store.putIfAbsent(key, Buffer.from('attempt 2'))).toBe(false);
  });

  it('recognises that another one won when the response was lost', async () => {
    const key = aKey();
    await direct.putIfAbsent(key, Buffer.from('attempt 2'));
    const swallowed = proxy.mute();
    const put = store.putIfAbsent(key, body);
    await swallowed;
    await proxy.resume();
    expect(await put).toBe(false);
  });

  it('fails when the response was lost and the store stays unavailable', async () => {
    const key = aKey();
    const swallowed = proxy.mute();
    const put = store.putIfAbsent(key, body);
    const failed = expect(put).rejects.toThrow(StoreUnavailable);
    await swallowed;
    await proxy.refuse();
    await failed;
    await proxy.resume();
    // It was stored all the same; doing it again is safe and says so.
    expect(await store.putIfAbsent(key, body)).toBe(true);
  });

  it('does not call an object missing when the whole bucket is', async () => {
    const gone = new MinioStore({ ...options, bucket: randomUUID() });
    await expect(gone.get('a')).rejects.toThrow(StoreUnavailable);
    await expect(gone.stat('a')).rejects.toThrow('failed to stat a: the bucket does not exist');
    await expect(gone.putIfAbsent('a', body)).rejects.toThrow('the bucket does not exist');
    await gone.stop();
  });

  it('leaves no unfinished upload and no probe in the bucket', async () => {
    const { hostname, port } = new URL(options.endpoint);
    const client = new Client({
      ...options,
      endPoint: hostname,
      port: Number(port),
      useSSL: false,
    });
    const unfinished = await Array.fromAsync<unknown>(
      Readable.from(client.listIncompleteUploads(bucket, '', true)),
    );
    expect(unfinished).toEqual([]);
    expect(await Array.fromAsync(direct.list('probe/'))).toEqual([]);
  });

  const aKey = (): string => `faults/${randomUUID()}`;

  /** Every call once; each rejects while the store is unavailable. */
  const everyCall = (key: string): (() => Promise<unknown>)[] => [
    () => store.put(key, body),
    () => store.putIfAbsent(key, body),
    () => store.get(key),
    () => store.stat(key),
    () => store.remove(key),
    () => Array.fromAsync(store.list('faults/')),
  ];

  async function itWorks(): Promise<void> {
    const key = aKey();
    await store.put(key, body);
    const found = await store.get(key);
    expect(found && (await buffer(found.body)).equals(body)).toBe(true);
  }
});
