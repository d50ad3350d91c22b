import { createHash } from 'node:crypto';
import { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { StoreUnavailable } from '../errors.ts';
import { CheckedBody, measuredBody } from './bodies.ts';
import { MinioConnection, type MinioStoreOptions } from './minio-connection.ts';
import { checkKey, checkPrefix, checkStartAfter } from './object-key.ts';
import type {
  AnnouncedBody,
  ListedObject,
  ListOptions,
  ObjectStat,
  ObjectStore,
  StoredObject,
} from './object-store.ts';
import { holdsBytes } from './read-object.ts';
import { explainRefusal, minioRemedies, provePutIfAbsent } from './start-check.ts';
import { codeOf, StoreMisconfigured } from './store-failure.ts';

/** The maximum of S3. */
const LIST_PAGE = 1_000;

/** Objects in a bucket of MinIO or another S3-compatible store that supports conditional writes. */
export class MinioStore implements ObjectStore {
  readonly #options: MinioStoreOptions;
  readonly #bucket: string;
  readonly #minio: MinioConnection;
  #starting: Promise<void> | undefined;

  constructor(options: MinioStoreOptions) {
    this.#options = options;
    this.#bucket = options.bucket;
    this.#minio = new MinioConnection(options);
  }

  start(): Promise<void> {
    return (this.#starting ??= this.#start().catch((error: unknown) => {
      this.#starting = undefined;
      throw explainRefusal(error, minioRemedies);
    }));
  }

  stop(): Promise<void> {
    this.#starting = undefined;
    this.#minio.close();
    return Promise.resolve();
  }

  async put(key: string, body: Uint8Array | Readable, announced?: AnnouncedBody): Promise<void> {
    try {
      await this.#putObject(checkKey(key), body, announced, contentTypeHeader(key));
    } finally {
      if (body instanceof Readable) body.destroy();
    }
  }

  async putIfAbsent(key: string, body: Uint8Array): Promise<boolean> {
    const headers = { ...contentTypeHeader(key), 'if-none-match': '*' };
    try {
      await this.#putObject(checkKey(key), body, undefined, headers);
      return true;
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      // A 412 may be due to our own earlier write, and a lost connection says nothing: the stored object decides.
      const ours = await holdsBytes(this, key, body);
      if (ours === undefined) throw error;
      return ours;
    }
  }

  async get(key: string): Promise<StoredObject | undefined> {
    checkKey(key);
    return this.#minio.call('get', key, async (client) => {
      const response = await client.getObject(this.#bucket, key).catch(undefinedIf('NoSuchKey'));
      if (response === undefined) return undefined;
      const stat = statOfResponse(response);
      const body = new CheckedBody(response, {
        size: stat.size,
        waitMs: this.#options.timeouts.operationMs,
        failure: (error) => this.#minio.failure('get', key, error),
      });
      return { stat, body, readBytes: () => buffer(body) };
    });
  }

  async stat(key: string): Promise<ObjectStat | undefined> {
    checkKey(key);
    return this.#minio.call('stat', key, async (client) => {
      const found = await client.statObject(this.#bucket, key).catch(undefinedIf('NotFound'));
      if (found !== undefined) return { size: found.size, modifiedAt: found.lastModified, etag: found.etag };
      // The response to HEAD has no body, so it cannot say whether the object or the whole bucket is missing.
      if (await client.bucketExists(this.#bucket)) return undefined;
      throw new Error('the bucket does not exist');
    });
  }

  async *list(
    prefix: string,
    { startAfter, limit = Infinity }: ListOptions = {},
  ): AsyncGenerator<ListedObject> {
    checkPrefix(prefix);
    let after = checkStartAfter(startAfter, prefix) ?? '';
    for (let left = limit; left > 0;) {
      const query = { Delimiter: '', MaxKeys: Math.min(left, LIST_PAGE) };
      const page = await this.#minio.call('list', prefix, (client) =>
        client.listObjectsQuery(this.#bucket, prefix, after, query),
      );
      for (const { name = '', size = 0, lastModified = new Date(0), etag = '' } of page.objects) {
        yield { key: name, size, modifiedAt: lastModified, etag };
        after = name;
        left--;
      }
      if (page.isTruncated !== true || page.objects.length === 0) return;
    }
  }

  async remove(key: string): Promise<void> {
    checkKey(key);
    await this.#minio.call('remove', key, (client) => client.removeObject(this.#bucket, key));
  }

  async #start(): Promise<void> {
    await this.#minio.call('start', '', async (client) => {
      if (await client.bucketExists(this.#bucket)) return;
      try {
        await client.makeBucket(this.#bucket, this.#options.region);
      } catch (error) {
        const code = codeOf(error);
        if (code === 'BucketAlreadyOwnedByYou') return; // another service has created it
        if (code !== 'AccessDenied') throw error;
        throw new StoreMisconfigured(
          `The bucket ${this.#bucket} does not exist, and the user ${this.#options.accessKey} may not create it. Check MINIO_BUCKET, or create it (with Compose: docker-compose up -d).`,
          { cause: error },
        );
      }
    });
    await provePutIfAbsent(
      this,
      'It ignores If-None-Match. Use MinIO RELEASE.2024-05-07 or later, or an S3-compatible store that supports conditional writes.',
    );
  }

  async #putObject(
    key: string,
    body: Uint8Array | Readable,
    announced: AnnouncedBody | undefined,
    headers: Record<string, string>,
  ): Promise<void> {
    await this.#minio.call('put', key, async (client, signal) => {
      const measured = measuredBody(body, announced?.size, signal);
      if (announced === undefined) {
        const bytes = await buffer(measured);
        const sha256 = createHash('sha256').update(bytes).digest('hex');
        await this.#minio.send(client, key, bytes, { size: bytes.length, sha256 }, headers);
      } else {
        const stream = Readable.from(measured, { objectMode: false });
        await this.#minio.send(client, key, stream, announced, headers);
      }
    });
  }
}

function undefinedIf(code: string): (error: unknown) => undefined {
  return (error) => {
    if (codeOf(error) !== code) throw error;
  };
}

const contentTypes: Readonly<Record<string, string>> = {
  json: 'application/json',
  jpg: 'image/jpeg',
  png: 'image/png',
  gif: 'image/gif',
  webp: 'image/webp',
};

/** For people who view the bucket with MinIO's tools; the pipeline does not read it. */
function contentTypeHeader(key: string): { 'content-type': string } {
  const extension = key.slice(key.lastIndexOf('.') + 1);
  return { 'content-type': contentTypes[extension] ?? 'application/octet-stream' };
}

/** The metadata in the response to a GET: of the bytes that follow. */
function statOfResponse(response: Readable): ObjectStat {
  if (!(response instanceof IncomingMessage)) {
    throw new TypeError('minio-js did not return a response');
  }
  const { 'content-length': length, 'last-modified': modified, etag } = response.headers;
  if (length === undefined) throw new Error('the response has no Content-Length');
  return {
    size: Number(length),
    modifiedAt: new Date(modified ?? 0),
    etag: (etag ?? '').replaceAll('"', ''),
  };
}
