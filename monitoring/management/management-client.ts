import http from 'node:http';
import https from 'node:https';
import { text } from 'node:stream/consumers';
import type { RequestQueue } from '@image-pipeline/shared/request-queue.ts';
import { withinDeadline } from '@image-pipeline/shared/waiting.ts';

/** Expected responses have a few kilobytes; a larger one comes from another server. */
const MAX_RESPONSE_BYTES = 8 * 1024 * 1024;

interface ManagementClientOptions {
  /** `http://host:15672`; a path before `/api` is allowed. */
  readonly url: string;
  readonly user: string;
  readonly password: string;
  readonly connectMs: number;
  /** For a whole call, from leaving the queue to the last byte, in milliseconds. */
  readonly callMs: number;
  readonly queue: RequestQueue;
}

/** Client of RabbitMQ's management API: queued calls with timeouts over a few persistent connections. */
export class ManagementClient {
  readonly #options: ManagementClientOptions;
  readonly #transport: typeof http | typeof https;
  readonly #agent: http.Agent;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(options: ManagementClientOptions) {
    this.#options = options;
    this.#transport = new URL(options.url).protocol === 'https:' ? https : http;
    this.#agent = new this.#transport.Agent({ keepAlive: true, maxSockets: 10 });
    const credentials = Buffer.from(`${options.user}:${options.password}`).toString('base64');
    this.#headers = { authorization: `Basic ${credentials}`, accept: 'application/json' };
  }

  /**
   * The JSON of the response to `GET /api/{path}`.
   * @param allowed statuses to accept besides 200
   * @throws Error with a message that is fit for users
   */
  get(path: string, allowed: readonly number[] = []): Promise<unknown> {
    const { queue, callMs } = this.#options;
    return queue.execute(() => withinDeadline(callMs, (signal) => this.#get(path, allowed, signal)));
  }

  close(): void {
    this.#agent.destroy();
  }

  async #get(path: string, allowed: readonly number[], signal: AbortSignal): Promise<unknown> {
    const base = this.#options.url.replace(/\/*$/, '/');
    const response = await this.#send(new URL(`api/${path}`, base), signal);
    const body = await text(bounded(response));
    const status = response.statusCode ?? 0;
    if (status === 401)
      throw new Error('the management API rejected RABBITMQ_MANAGEMENT_USER and its password');
    if (status !== 200 && !allowed.includes(status)) {
      throw new Error(`the management API responded with ${status} to ${path.split('?')[0] ?? ''}`);
    }
    return JSON.parse(body) as unknown;
  }

  #send(url: URL, signal: AbortSignal): Promise<http.IncomingMessage> {
    const { connectMs } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
    const request = this.#transport.get(url, { agent: this.#agent, headers: this.#headers, signal }, resolve);
    request.once('error', reject);
    request.once('socket', (socket) => {
      if (!socket.connecting) return;
      const timer = setTimeout(
        () => request.destroy(new Error(`no connection to the management API within ${connectMs} ms`)),
        connectMs,
      );
      socket.once('connect', () => clearTimeout(timer));
      request.once('close', () => clearTimeout(timer));
    });
    return promise;
  }
}

async function* bounded(response: http.IncomingMessage): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_RESPONSE_BYTES) throw new Error('the response of the management API is too large');
    yield chunk;
  }
}
