import { jobIdSchema } from '@image-pipeline/shared/contracts/job.ts';
import { z } from 'zod';
import type { ProblemCode } from '../http/problem.ts';

/** The job of all examples. */
export const EXAMPLE_JOB_ID = '01980a3e-7c1b-7d9a-8f00-3c2b1a0f9e8d';

/** One operation of the API. */
export interface Operation {
  readonly id: string;
  readonly tag: 'Images' | 'Jobs' | 'Dead letters' | 'Status' | 'Service' | 'Development';
  readonly summary: string;
  readonly description: string;
  readonly path?: z.ZodObject;
  readonly query?: z.ZodObject;
  /** Whether `query` is one parameter, whose members exclude each other. */
  readonly hasOneQuery?: true;
  readonly headers?: z.ZodObject;
  /** @param maxFiles per upload */
  readonly form?: (maxFiles: number) => z.ZodObject;
  readonly json?: { readonly schema: z.ZodObject; readonly examples: Readonly<Record<string, unknown>> };
  /** Media types by status; an undefined schema stands for bytes or text. */
  readonly responses: Readonly<Record<number, ResponseSpec>>;
  /** Error codes besides `commonProblems`. */
  readonly problems: readonly ProblemCode[];
  /** Whether the bearer token is required. */
  readonly token?: 'always' | 'in production';
}

export interface ResponseSpec {
  readonly description: string;
  readonly types?: Readonly<Record<string, z.ZodType | undefined>>;
  readonly example?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Operations that take a member of this response as their path parameter of the same name. */
  readonly links?: Readonly<Record<string, string>>;
}

/** Error codes of every operation. */
export const commonProblems: readonly ProblemCode[] = [
  'malformed_request',
  'host_not_allowed',
  'cross_site',
  'invalid_parameter',
  'unsupported_encoding',
  'url_too_long',
  'headers_too_large',
  'request_timeout',
  'too_many_connections',
  'internal_error',
];

/** Error codes of paths and methods that are not in the table. */
export const unmatchedRouteProblems: readonly ProblemCode[] = ['not_found', 'method_not_allowed'];

/** For the description of an object of which exactly one of these members is given. */
export const exactlyOneOf = (members: readonly string[]) => ({
  oneOf: members.map((member) => ({ required: [member] })),
});

/** Operations by method and path. */
export type Operations = Readonly<Record<`${'GET' | 'POST' | 'DELETE'} /${string}`, Operation>>;

/** The path parameters of operations about one job. */
export const jobPath = z.object({
  job_id: jobIdSchema.meta({
    description: 'From the response of the upload.',
    example: EXAMPLE_JOB_ID,
  }),
});

/** Their common errors. */
export const jobProblems: readonly ProblemCode[] = [
  'job_not_found',
  'job_removed',
  'record_damaged',
  'store_unavailable',
];
