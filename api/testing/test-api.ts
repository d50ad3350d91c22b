import type { createApi } from '../service.ts';
import { type ApiResponse, expectDocumented } from './documented.ts';

/** An API over real HTTP. Every response is checked against the OpenAPI document. */
export class TestApi {
  readonly #service: ReturnType<typeof createApi>;

  constructor(service: ReturnType<typeof createApi>) {
    this.#service = service;
  }

  get port(): number {
    return this.#service.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get failed(): Promise<Error> {
    return this.#service.failed;
  }

  async ask(path: string, init: RequestInit = {}): Promise<ApiResponse> {
    const response = await fetch(`${this.url}${path}`, { redirect: 'manual', ...init });
    const bytes = Buffer.from(await response.arrayBuffer());
    const isJson = /[/+]json/.test(response.headers.get('content-type') ?? '') && bytes.length > 0;
    const json: unknown = isJson ? JSON.parse(bytes.toString()) : undefined;
    const received = { status: response.status, headers: response.headers, bytes, json };
    expectDocumented(init.method ?? 'GET', path, received);
    return received;
  }

  upload(body: FormData): Promise<ApiResponse> {
    return this.ask('/upload', { method: 'POST', body });
  }

  stop(): Promise<void> {
    return this.#service.stop();
  }
}
