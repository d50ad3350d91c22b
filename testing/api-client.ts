import { expect } from 'vitest';
import { problemTable, retryAfterOf } from '../api/http/problem.ts';
import { operations } from '../api/openapi/document.ts';
import { commonProblems, type Operation, unmatchedRouteProblems } from '../api/openapi/operation.ts';
import { problemSchema } from '../api/openapi/responses.ts';

/** The API token of tests. */
export const TOKEN = '6d6f6e69746f72696e672d74657374';

export interface ApiResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer;
  /** The parsed body, if it is JSON. */
  readonly json: unknown;
}

/** A service in this process or in its own. */
interface Listening {
  readonly port: number;
}

/** A client of one API replica over real HTTP. Every response is checked against the OpenAPI document. */
export class ApiClient {
  readonly #api: Listening;

  constructor(api: Listening) {
    this.#api = api;
  }

  get port(): number {
    return this.#api.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
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

  upload(body: FormData, headers: Readonly<Record<string, string>> = {}): Promise<ApiResponse> {
    return this.ask('/upload', { method: 'POST', body, headers });
  }

  /** `POST /dlq/replay`. @param request text is sent as it is, anything else as JSON */
  replay(request: unknown, headers: Readonly<Record<string, string>> = {}): Promise<ApiResponse> {
    return this.ask('/dlq/replay', {
      method: 'POST',
      headers: { Authorization: `Bearer ${TOKEN}`, ...headers },
      body: typeof request === 'string' ? request : JSON.stringify(request),
    });
  }
}

/** Fails if a response does not match the OpenAPI document: status, type, schema, error code and its status. */
function expectDocumented(method: string, path: string, response: ApiResponse): void {
  const operation = operationOf(method, path);
  const type = response.headers.get('content-type')?.split(';')[0] ?? '';
  if (type === 'application/problem+json' && method !== 'HEAD') {
    const problem = problemSchema.parse(response.json);
    const documented = operation === undefined ? unmatchedRouteProblems : operation.problems;
    expect([...documented, ...commonProblems], `${method} ${path} documents this code`).toContain(
      problem.code,
    );
    expect(problem.status).toBe(response.status);
    expect(problemTable[problem.code].status).toBe(response.status);
    if (retryAfterOf(problem.code) !== undefined) {
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
    }
    return;
  }
  expect(response.status, `${method} ${path} returned ${response.bytes.toString()}`).toBeLessThan(504);
  if (operation === undefined || type === 'application/problem+json') return;
  const known = operation.responses[response.status];
  expect(known, `${method} ${path} documents ${response.status}`).toBeDefined();
  if (known?.types === undefined) return;
  expect(Object.keys(known.types)).toContain(type);
  if (method !== 'HEAD') known.types[type]?.parse(response.json);
}

function operationOf(method: string, path: string): Operation | undefined {
  const asked = method === 'HEAD' ? 'GET' : method;
  const { pathname } = new URL(path, 'http://localhost');
  return Object.entries<Operation>(operations).find(([route]) => {
    const [known = '', pattern = ''] = route.split(' ');
    return known === asked && new RegExp(`^${pattern.replaceAll(/\{\w+\}/g, '[^/]*')}$`).test(pathname);
  })?.[1];
}
