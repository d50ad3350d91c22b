import { expect } from 'vitest';
import { problemAnswerSchema } from '../openapi/responses.ts';
import { operations } from '../openapi/document.ts';
import { commonProblems, elsewhereProblems, type Operation } from '../openapi/operation.ts';
import { problemMeanings, retryAfterOf } from '../http/problem.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer;
  /** What the bytes say, where they are JSON. */
  readonly json: unknown;
}

/** Fails where an answer is not as the OpenAPI document says: status, type, shape, error code and its status. */
export function expectDocumented(method: string, path: string, answer: Answer): void {
  const operation = operationOf(method, path);
  const type = answer.headers.get('content-type')?.split(';')[0] ?? '';
  if (type === 'application/problem+json' && method !== 'HEAD') {
    const problem = problemAnswerSchema.parse(answer.json);
    const documented = operation === undefined ? elsewhereProblems : operation.problems;
    expect([...documented, ...commonProblems], `${method} ${path} documents this code`).toContain(
      problem.code,
    );
    expect(problem.status).toBe(answer.status);
    expect(problemMeanings[problem.code].status).toBe(answer.status);
    if (retryAfterOf(problem.code) !== undefined) {
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    }
    return;
  }
  expect(answer.status, `${method} ${path} answered ${answer.bytes.toString()}`).toBeLessThan(504);
  if (operation === undefined || type === 'application/problem+json') return;
  const known = operation.answers[answer.status];
  expect(known, `${method} ${path} documents ${answer.status}`).toBeDefined();
  if (known?.types === undefined) return;
  expect(Object.keys(known.types)).toContain(type);
  if (method !== 'HEAD') known.types[type]?.parse(answer.json);
}

function operationOf(method: string, path: string): Operation | undefined {
  const asked = method === 'HEAD' ? 'GET' : method;
  const { pathname } = new URL(path, 'http://localhost');
  return Object.entries<Operation>(operations).find(([route]) => {
    const [known = '', pattern = ''] = route.split(' ');
    return known === asked && new RegExp(`^${pattern.replaceAll(/\{\w+\}/g, '[^/]*')}$`).test(pathname);
  })?.[1];
}
