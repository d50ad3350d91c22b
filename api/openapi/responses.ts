import { errorCodes, problemType } from '@image-pipeline/shared/errors.ts';
import { z } from 'zod';
import type { ZodOpenApiResponseObject } from 'zod-openapi';
import { type ProblemCode, problemCodes, problemTable, retryAfterOf } from '../http/problem.ts';
import { commonProblems, type ResponseSpec } from './operation.ts';

export function successResponse(response: ResponseSpec): ZodOpenApiResponseObject {
  const { description, types = {}, example, headers = {}, links = {} } = response;
  return {
    description,
    headers: headersOf(headers),
    content: Object.fromEntries(
      Object.entries(types).map(([type, schema]) => [
        type,
        { ...(schema === undefined ? {} : { schema }), ...(example === undefined ? {} : { example }) },
      ]),
    ),
    links: Object.fromEntries(
      Object.entries(links).map(([operationId, member]) => [
        operationId,
        { operationId, parameters: { [member]: `$response.body#/${member}` } },
      ]),
    ),
  };
}

/** The error responses of an operation by status, including the common ones. */
export function problemResponses(codes: readonly ProblemCode[]): Record<string, ZodOpenApiResponseObject> {
  const byStatus = Object.groupBy([...codes, ...commonProblems], (code) => problemTable[code].status);
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, together]) => [status, problemResponse(together)]),
  );
}

function problemResponse(codes: readonly ProblemCode[]): ZodOpenApiResponseObject {
  const waits = codes.some((code) => retryAfterOf(code) !== undefined || code === 'rate_limited');
  return {
    description: codes.map((code) => `\`${code}\`: ${errorCodes[code]}`).join('\n\n'),
    headers: headersOf(waits ? { 'Retry-After': 'Seconds to wait before retrying.' } : {}),
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
    status: problemTable[code].status,
    detail: 'Description of this occurrence.',
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

/** RFC 9457 problem details, with extension members. */
export const problemSchema = z
  .looseObject({
    type: z.string().meta({ description: 'URI of the problem type.' }),
    title: z.string().meta({ description: 'Meaning of the code.' }),
    status: z.int().meta({ description: 'The HTTP status.' }),
    detail: z.string().meta({ description: 'Description of this occurrence.' }),
    code: z.enum(problemCodes).meta({ description: 'Stable error code, for programs.' }),
    instance: z.string().optional().meta({ description: 'Path of the request.' }),
    job_id: z.string().optional().meta({ description: 'The job, if the problem is about one.' }),
    trace_id: z.string().optional().meta({
      description: 'Trace id of the request (W3C Trace Context), as in its log lines.',
    }),
    parameter: z.string().optional().meta({ description: 'The invalid parameter or field.' }),
    allowed: z.unknown().optional().meta({
      description: 'What is allowed: values or names, the bounds of a number, or a description.',
    }),
    limit: z.int().optional().meta({ description: 'The limit that was exceeded.' }),
    seen: z.unknown().optional().meta({ description: 'What was received.' }),
  })
  .meta({ id: 'Problem', description: `Problem details (RFC 9457).\n\n${errorTable()}` });

/** Every error code with its HTTP status and meaning, as a Markdown table. */
function errorTable(): string {
  const rows = Object.entries(errorCodes).map(([code, meaning]) => {
    const known = problemCodes.find((problem) => problem === code);
    return `| \`${code}\` | ${known === undefined ? 'in a failed job' : problemTable[known].status} | ${meaning} |`;
  });
  return ['| code | status | meaning |', '|---|---|---|', ...rows].join('\n');
}
