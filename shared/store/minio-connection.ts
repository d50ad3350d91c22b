import type { Agent } from 'node:http';
import { Client } from 'minio';
import { messageOf } from '../errors.ts';
import { boundedTransport, connectionPool } from './minio-transport.ts';
import { MAX_OBJECT_BYTES, type StoreTimeouts } from './object-store.ts';
import { failureOf } from './store-failure.ts';
import { withinDeadline } from '../waiting.ts';

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
 * request, with a digest that the server verifies.
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
   * Does `work` with a client whose requests end with the call.
   * @throws what `failure` makes of whatever goes wrong
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

  /** The error to throw for one that happened; see failureOf. */
  failure(operation: string, key: string, error: unknown): unknown {
    const undertaking = {
      store: `MinIO, bucket ${this.#options.bucket}`,
      operation,
      key,
    };
    // minio-js throws the answer to a 5xx away, and words the rest as the end of its retries.
    const status = /Retryable HTTP status: (\d+)/.exec(messageOf(error))?.[1];
    return failureOf(
      status === undefined ? error : new Error(`HTTP status ${status}`, { cause: error }),
      undertaking,
    );
  }

  close(): void {
    this.#pool.destroy();
  }

  get #secure(): boolean {
    return this.#url.protocol === 'https:';
  }

  /** A client is settings and no connection, so that each call can have its own. */
  #client(signal: AbortSignal): Client {
    const { accessKey, secretKey, region, timeouts } = this.#options;
    return new Client({
      endPoint: this.#url.hostname.replace(/^\[|\]$/g, ''),
      port: Number(this.#url.port),
      useSSL: this.#secure,
      accessKey,
      secretKey,
      region,
      partSize: MAX_OBJECT_BYTES,
      retryOptions: { disableRetry: true },
      transportAgent: this.#pool,
      transport: boundedTransport(this.#secure, signal, timeouts.connectMs),
    });
  }
}
