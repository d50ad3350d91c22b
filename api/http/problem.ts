import { errorCodes, PipelineError, problemType, type ErrorCode } from '@image-pipeline/shared/errors.ts';

interface ProblemRow {
  readonly status: number;
  /** Default of `Retry-After`, in seconds. */
  readonly retryAfter?: number;
}

/** HTTP status of each error code. Codes that only failed jobs have are not in the table. */
export const problemTable = {
  no_file: { status: 400 },
  empty_file: { status: 400 },
  unexpected_field: { status: 400 },
  unsupported_type: { status: 415 },
  file_too_large: { status: 413 },
  body_too_large: { status: 413 },
  too_many_files: { status: 413 },
  too_many_fields: { status: 413 },
  malformed_multipart: { status: 400 },
  malformed_request: { status: 400 },
  invalid_parameter: { status: 422 },
  idempotency_key_reused: { status: 422 },
  idempotency_key_in_hand: { status: 409, retryAfter: 1 },
  rate_limited: { status: 429 },
  request_timeout: { status: 408 },
  webhooks_not_set_up: { status: 503 },
  unauthorized: { status: 401 },
  token_not_set: { status: 503 },
  not_found: { status: 404 },
  job_not_found: { status: 404 },
  not_ready: { status: 409, retryAfter: 1 },
  job_failed: { status: 410 },
  result_gone: { status: 410 },
  not_in_dlq: { status: 409 },
  not_replayable: { status: 409 },
  replay_running: { status: 409, retryAfter: 5 },
  method_not_allowed: { status: 405 },
  broker_unavailable: { status: 503, retryAfter: 5 },
  publish_unconfirmed: { status: 503, retryAfter: 5 },
  store_unavailable: { status: 503, retryAfter: 5 },
  overloaded: { status: 503, retryAfter: 2 },
  queue_full: { status: 503, retryAfter: 30 },
  out_of_space: { status: 507, retryAfter: 30 },
  not_caught_up: { status: 503, retryAfter: 1 },
  internal_error: { status: 500 },
} as const satisfies Partial<Record<ErrorCode, ProblemRow>>;

export type ProblemCode = keyof typeof problemTable;
export const problemCodes = Object.keys(problemTable) as readonly ProblemCode[];

/** RFC 9457 problem details; further members describe what is allowed. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ProblemCode;
  readonly [member: string]: unknown;
}

/** The problem details of anything thrown. Unexpected errors reveal nothing. */
export function problemOf(error: unknown): Problem {
  const expected = expectedError(error);
  const code = expected?.code ?? 'internal_error';
  return {
    type: problemType(code),
    title: errorCodes[code],
    status: problemTable[code].status,
    detail: expected?.message ?? 'Internal error. The log of the API has the details.',
    code,
    ...expected?.details,
  };
}

/** Default value of the header `Retry-After`; undefined where retrying does not help. */
export function retryAfterOf(code: ProblemCode): number | undefined {
  const meaning: ProblemRow = problemTable[code];
  return meaning.retryAfter;
}

/** `Retry-After` of this problem: its member `retry_after_seconds`, else the default. */
export function secondsToWait(problem: Problem): number | undefined {
  const known = problem['retry_after_seconds'];
  return typeof known === 'number' ? known : retryAfterOf(problem.code);
}

function expectedError(error: unknown) {
  if (error instanceof PipelineError && isProblemCode(error.code)) {
    return { code: error.code, message: error.message, details: error.details };
  }
  // What express and its parsers throw for malformed requests, e.g. an undecodable address.
  if (error instanceof Error && 'status' in error && isClientError(error.status)) {
    return {
      code: 'malformed_request',
      message: 'Malformed request address.',
      details: {},
    } as const;
  }
  return undefined;
}

function isProblemCode(code: ErrorCode): code is ProblemCode {
  return Object.hasOwn(problemTable, code);
}

function isClientError(status: unknown): boolean {
  return typeof status === 'number' && status >= 400 && status < 500;
}
