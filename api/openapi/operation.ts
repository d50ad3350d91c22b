import type { z } from 'zod';
import type { ProblemCode } from '../http/problem.ts';

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
  readonly answers: Readonly<Record<number, Answer>>;
  /** What it can answer beside `commonProblems`. */
  readonly problems: readonly ProblemCode[];
  /** Who has no token is refused. */
  readonly token?: 'always' | 'in production';
}

export interface Answer {
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
export const elsewhereProblems: readonly ProblemCode[] = ['not_found', 'method_not_allowed'];

/** Calls by method and path. */
export type Operations = Readonly<Record<`${'GET' | 'POST' | 'DELETE'} /${string}`, Operation>>;
