import type { Agent } from 'node:http';
import http from 'node:http';
import https from 'node:https';
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { Client } from 'minio';
import { messageOf } from '../errors.ts';
import { withinDeadline } from '../waiting.ts';
import type { AnnouncedBody, StoreTimeouts } from './object-store.ts';
import { failureOf } from './store-failure.ts';

export interface MinioStoreOptions {
  /** `http://host:port` or `https://host[:port]`, without a path. */
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly bucket: string;
  /** e.g. `us-east-1`, which is MinIO's own */
  readonly region: string;
  readonly timeouts: StoreTimeouts;
}

/**
 * minio-js with a timeout for every call, and with two of its features disabled. It retries requests after a 5xx, which
 * would turn a lost response to our own put-if-absent into a 412: only callers know whether a retry is safe. And it
 * splits large streams into parts, and resumes unfinished uploads of the same key by anyone: here, an object is one
 * request, with a digest that the server verifies, so a put is atomic.
 */
export class MinioConnection {
  readonly #options: MinioStoreOptions;
  readonly #url: URL;
  readonly #pool: Agent;

  constructor(options: MinioStoreOptions) {
    this.#options = options;
    this.#url = new URL(options.endpoint);
    this.#pool = connectionPool(this.#secure);
  }

  /**
   * Runs `work` with a client whose requests end with the call.
   * @throws the error that `failure` returns
   */
  async call<T>(
    operation: string,
    key: string,
    work: (client: Client, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    try {
      return await withinDeadline(this.#options.timeouts.operationMs, (signal) =>
        work(this.#client(signal), signal),
      );
    } catch (error) {
      throw this.failure(operation, key, error);
    }
  }

  /**
   * Stores an object. `putObject` of minio-js would keep two copies of it in memory.
   * @param client of the call
   */
  async send(
    client: Client,
    objectName: string,
    body: Buffer | Readable,
    { size, sha256 }: AnnouncedBody,
    headers: Readonly<Record<string, string>>,
  ): Promise<void> {
    const { bucket: bucketName, region } = this.#options;
    const put = {
      method: 'PUT',
      bucketName,
      objectName,
      headers: {
        ...headers,
        'content-length': String(size),
        'x-amz-checksum-sha256': Buffer.from(sha256, 'hex').toString('base64'),
      },
    };
    // minio-js signs the digest of a body only without TLS.
    const signed = this.#secure ? '' : sha256;
    const response = await client.makeRequestStreamAsync(put, body, signed, [200], region);
    await finished(response.resume());
  }

  /** The error to throw for `error`; see failureOf. */
  failure(operation: string, key: string, error: unknown): unknown {
    const call = {
      store: `MinIO, bucket ${this.#options.bucket}`,
      operation,
      key,
    };
    // minio-js discards the response of a 5xx; only its message has the status.
    const status = /Retryable HTTP status: (\d+)/.exec(messageOf(error))?.[1];
    return failureOf(
      status === undefined ? error : new Error(`HTTP status ${status}`, { cause: error }),
      call,
    );
  }

  close(): void {
    this.#pool.destroy();
  }

  get #secure(): boolean {
    return this.#url.protocol === 'https:';
  }

  /** A client has settings but no connection, so each call can have its own. */
  #client(signal: AbortSignal): Client {
    const { accessKey, secretKey, region, timeouts } = this.#options;
    return new Client({
      endPoint: this.#url.hostname.replace(/^\[|\]$/g, ''),
      port: Number(this.#url.port),
      useSSL: this.#secure,
      accessKey,
      secretKey,
      region,
      retryOptions: { disableRetry: true },
      transportAgent: this.#pool,
      transport: boundedTransport(this.#secure, signal, timeouts.connectMs),
    });
  }
}

/** Idle connections are closed before the server does it (MinIO: 30 s), so that no request uses a closing one. */
const IDLE_MS = 10_000;
/** For all uploads and downloads of an api at once, whose clients may be slow, and for records in the meantime. */
const MAX_CONNECTIONS = 192;

type OnResponse = (response: http.IncomingMessage) => void;

/** A bounded pool of keep-alive connections; further requests wait, and their timeout runs. */
function connectionPool(secure: boolean): http.Agent {
  const options = { keepAlive: true, maxSockets: MAX_CONNECTIONS, timeout: IDLE_MS };
  return secure ? new https.Agent(options) : new http.Agent(options);
}

/**
 * The transport of minio-js, which has no timeouts and no abort signals of its own.
 *
 * @param signal aborts a request in progress, and its connection
 * @param connectMs timeout of connecting, including TLS
 */
function boundedTransport(
  secure: boolean,
  signal: AbortSignal,
  connectMs: number,
): Pick<typeof http, 'request'> {
  const send = secure ? https.request : http.request;
  return {
    request(options: http.RequestOptions | string | URL, onResponse?: http.RequestOptions | OnResponse) {
      if (typeof options === 'string' || options instanceof URL || typeof onResponse !== 'function') {
        throw new TypeError('Unexpected arguments: minio-js passes request options');
      }
      const request = send({ ...options, signal }, onResponse);
      request.once('socket', (socket) => {
        if (!socket.connecting) return; // one from the pool
        const timer = setTimeout(() => request.destroy(new ConnectTimeout(connectMs)), connectMs);
        socket.once(secure ? 'secureConnect' : 'connect', () => clearTimeout(timer));
        request.once('close', () => clearTimeout(timer));
      });
      return request;
    },
  };
}

/** Message and code are those of the operating system, which would time out only after minutes. */
class ConnectTimeout extends Error {
  override readonly name = 'ConnectTimeout';
  readonly code = 'ETIMEDOUT';

  constructor(ms: number) {
    super(`connection timed out after ${ms} ms`);
  }
}
