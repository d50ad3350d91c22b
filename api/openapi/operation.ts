import { jobIdSchema } from '@image-pipeline/shared/contracts/job.ts';
import { z } from 'zod';
import type { ProblemCode } from '../http/problem.ts';

/** The job of all examples. */
export const EXAMPLE_JOB_ID = '01980a3e-7c1b-7d9a-8f00-3c2b1a0f9e8d';

/** One call of the API as callers see it. */
export interface Operation {
  readonly id: string;
  readonly tag: 'Images' | 'Jobs' | 'Dead letters' | 'Status' | 'Service';
  readonly summary: string;
  readonly description?: string;
  readonly path?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly headers?: z.ZodObject;
  readonly form?: z.ZodObject;
  readonly json?: { readonly schema: z.ZodObject; readonly examples: Readonly<Record<string, unknown>> };
  /** Media types by status; an undefined schema stands for bytes or text. */
  readonly responses: Readonly<Record<number, ResponseSpec>>;
  /** What it can answer beside `commonProblems`. */
  readonly problems: readonly ProblemCode[];
  /** Who has no token is refused. */
  readonly token?: 'always' | 'in production';
}

export interface ResponseSpec {
  readonly description: string;
  readonly types?: Readonly<Record<string, z.ZodType | undefined>>;
  readonly example?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What any call can answer. */
export const commonProblems: readonly ProblemCode[] = [
  'malformed_request',
  'request_timeout',
  'internal_error',
];

/** What any address can answer that is not in the table, or not with this method. */
export const unmatchedRouteProblems: readonly ProblemCode[] = ['not_found', 'method_not_allowed'];

/** Calls by method and path. */
export type Operations = Readonly<Record<`${'GET' | 'POST' | 'DELETE'} /${string}`, Operation>>;

/** The path of calls that are about one job. */
export const jobPath = z.object({
  job_id: jobIdSchema.meta({
    description: 'As the upload answered it.',
    example: EXAMPLE_JOB_ID,
  }),
});

/** What each of them can answer. */
export const jobProblems: readonly ProblemCode[] = ['job_not_found', 'store_unavailable'];
