import { expect } from 'vitest';
import { problemTable, retryAfterOf } from '../http/problem.ts';
import { operations } from '../openapi/document.ts';
import { commonProblems, type Operation, unmatchedRouteProblems } from '../openapi/operation.ts';
import { problemSchema } from '../openapi/responses.ts';

export interface ApiResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer;
  /** The parsed body, if it is JSON. */
  readonly json: unknown;
}

/** Fails if a response does not match the OpenAPI document: status, type, schema, error code and its status. */
export function expectDocumented(method: string, path: string, response: ApiResponse): void {
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
