import { errorCodes, problemType } from '@image-pipeline/shared/errors.ts';
import type { ZodOpenApiResponseObject } from 'zod-openapi';
import { problemMeanings, retryAfterOf, type ProblemCode } from '../http/problem.ts';
import { commonProblems, type Answer } from './operation.ts';

export function answerResponse(answer: Answer): ZodOpenApiResponseObject {
  const { description, types = {}, example, headers = {} } = answer;
  return {
    description,
    headers: headersOf(headers),
    content: Object.fromEntries(
      Object.entries(types).map(([type, schema]) => [
        type,
        { ...(schema === undefined ? {} : { schema }), ...(example === undefined ? {} : { example }) },
      ]),
    ),
  };
}

/** The responses of a call's error codes, together with those that every call has, by status. */
export function problemResponses(codes: readonly ProblemCode[]): Record<string, ZodOpenApiResponseObject> {
  const byStatus = Object.groupBy([...codes, ...commonProblems], (code) => problemMeanings[code].status);
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, together]) => [status, problemResponse(together)]),
  );
}

function problemResponse(codes: readonly ProblemCode[]): ZodOpenApiResponseObject {
  const waits = codes.some((code) => retryAfterOf(code) !== undefined || code === 'rate_limited');
  return {
    description: codes.map((code) => `\`${code}\`: ${errorCodes[code]}`).join('\n\n'),
    headers: headersOf(waits ? { 'Retry-After': 'Seconds after which trying again makes sense.' } : {}),
    content: {
      'application/problem+json': {
        schema: {
          allOf: [{ $ref: '#/components/schemas/Problem' }, { properties: { code: { enum: [...codes] } } }],
        },
        examples: Object.fromEntries(codes.map((code) => [code, { value: exampleOf(code) }])),
      },
    },
  };
}

function exampleOf(code: ProblemCode) {
  return {
    type: problemType(code),
    title: errorCodes[code],
    status: problemMeanings[code].status,
    detail: 'What happened this time.',
    code,
  };
}

function headersOf(
  headers: Readonly<Record<string, string>>,
): NonNullable<ZodOpenApiResponseObject['headers']> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, description]) => [name, { description, schema: { type: 'string' } }]),
  );
}
