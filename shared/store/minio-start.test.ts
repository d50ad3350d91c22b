import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { StoreUnavailable } from '../errors.ts';
import { TcpProxy } from '../../testing/tcp-proxy.ts';
import { MinioStore } from './minio-store.ts';
import { StoreMisconfigured } from './store-failure.ts';

const minio = inject('minio');
const timeouts = { connectMs: 500, operationMs: 1_000 };
const body = Buffer.from('attempt 1');

describe.skipIf(minio === null)('starting on MinIO (skipped where no server can be had)', () => {
  const access = minio ?? { endpoint: '', accessKey: '', secretKey: '' };
  const options = { ...access, bucket: randomUUID(), region: 'us-east-1', timeouts };

  it('is started by several services at once that all find no bucket', async () => {
    const fresh = { ...options, bucket: randomUUID() };
    const services = Array.from({ length: 5 }, () => new MinioStore(fresh));
    await Promise.all(services.map((service) => service.start()));
    await Promise.all(services.map((service) => service.stop()));
  });

  it('can be started again after a start that failed', async () => {
    const url = new URL(options.endpoint);
    const proxy = await TcpProxy.to({ host: url.hostname, port: Number(url.port) });
    const later = new MinioStore({ ...options, endpoint: `http://127.0.0.1:${proxy.port}` });
    await proxy.refuse();
    await expect(later.start()).rejects.toThrow(StoreUnavailable);
    await proxy.resume();
    await later.start();
    await later.stop();
    await proxy.close();
  });

  it.each([
    ['another access key', { accessKey: 'nobody' }, /MINIO_ACCESS_KEY|keys are wrong/],
    ['a wrong secret key', { secretKey: 'wrong-secret' }, /MINIO_SECRET_KEY|keys are wrong/],
    ['a name that no bucket can have', { bucket: 'No' }, 'MINIO_BUCKET'],
  ])('refuses to start with %s and says what to check', async (_, change, hint) => {
    const misconfigured = new MinioStore({ ...options, ...change });
    await expect(misconfigured.start()).rejects.toThrow(StoreMisconfigured);
    await expect(misconfigured.start()).rejects.toThrow(hint);
    await misconfigured.stop();
  });
});

describe('an S3 of another make', () => {
  let server: Server;
  let respond: (method: string) => { status: number; body?: string };
  let store: MinioStore;

  beforeEach(async () => {
    server = createServer((request, response) => {
      request.resume().on('end', () => {
        const { status, body } = respond(request.method ?? '');
        response.writeHead(status, { etag: '"1"', 'content-type': 'application/xml' }).end(body);
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('not listening');
    store = new MinioStore({
      endpoint: `http://127.0.0.1:${address.port}`,
      accessKey: 'a',
      secretKey: 'b',
      bucket: 'images',
      region: 'us-east-1',
      timeouts,
    });
  });

  afterEach(async () => {
    await store.stop();
    server.close();
    await once(server, 'close');
  });

  it('is refused if it lets a second put-if-absent through', async () => {
    respond = (method) => ({ status: method === 'DELETE' ? 204 : 200 });
    await expect(store.start()).rejects.toThrow(StoreMisconfigured);
    await expect(store.start()).rejects.toThrow(
      'The object store does not support put-if-absent (conditional writes). It ignores If-None-Match. Use MinIO RELEASE.2024-05-07',
    );
  });

  it('is refused if it does not know conditional writes', async () => {
    const code = '<Error><Code>NotImplemented</Code></Error>';
    respond = (method) =>
      method === 'PUT'
        ? { status: 501, body: code }
        : method === 'GET'
          ? { status: 404, body: '<Error><Code>NoSuchKey</Code></Error>' }
          : { status: method === 'DELETE' ? 204 : 200 };
    await expect(store.start()).rejects.toThrow('It does not support conditional writes');
  });

  it.each([
    [500, 'HTTP status 500'],
    [503, 'HTTP status 503'],
    [507, 'no space left in the store (XMinioStorageFull)'],
  ])(
    'is unavailable while it returns %i, is called once, and keeps no connection busy',
    async (status, reason) => {
      let asked = 0;
      respond = () => {
        asked++;
        return { status, body: '<Error><Code>XMinioStorageFull</Code></Error>' };
      };
      await expect(store.put('a', body)).rejects.toThrow(
        new StoreUnavailable(`The object store (MinIO, bucket images) failed to put a: ${reason}.`),
      );
      expect(asked).toBe(1);
      // More calls than the pool has connections: none may stay with an response that nobody read.
      for (let round = 1; round <= 10; round++) {
        const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => store.put('a', body)));
        expect(outcomes.map(({ status: outcome }) => outcome)).toEqual(outcomes.map(() => 'rejected'));
      }
      expect(asked).toBe(201);
    },
  );
});
