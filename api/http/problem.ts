import { PipelineError, type ErrorCode } from '@image-pipeline/shared/errors.ts';
import { buildProblem, commonStatuses, type Problem } from '@image-pipeline/shared/http/problem.ts';

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
  too_costly: { status: 422 },
  file_too_large: { status: 413 },
  body_too_large: { status: commonStatuses.body_too_large },
  too_many_files: { status: 413 },
  too_many_fields: { status: 413 },
  malformed_multipart: { status: 400 },
  malformed_request: { status: commonStatuses.malformed_request },
  unsupported_encoding: { status: commonStatuses.unsupported_encoding },
  url_too_long: { status: commonStatuses.url_too_long },
  headers_too_large: { status: commonStatuses.headers_too_large },
  invalid_parameter: { status: commonStatuses.invalid_parameter },
  idempotency_key_reused: { status: 422 },
  idempotency_key_in_use: { status: 409, retryAfter: 1 },
  rate_limited: { status: commonStatuses.rate_limited },
  too_many_connections: { status: commonStatuses.too_many_connections, retryAfter: 5 },
  request_timeout: { status: commonStatuses.request_timeout },
  webhooks_not_set_up: { status: 503 },
  unauthorized: { status: commonStatuses.unauthorized },
  token_not_set: { status: commonStatuses.token_not_set },
  host_not_allowed: { status: commonStatuses.host_not_allowed },
  cross_site: { status: commonStatuses.cross_site },
  not_found: { status: commonStatuses.not_found },
  job_not_found: { status: 404 },
  job_removed: { status: 410 },
  not_ready: { status: 409, retryAfter: 10 },
  job_failed: { status: 410 },
  result_gone: { status: 410 },
  not_in_dlq: { status: 409 },
  not_replayable: { status: 409 },
  replay_running: { status: 409, retryAfter: 5 },
  worker_not_running: { status: 404 },
  method_not_allowed: { status: commonStatuses.method_not_allowed },
  broker_unavailable: { status: 503, retryAfter: 5 },
  publish_unconfirmed: { status: 503, retryAfter: 5 },
  store_unavailable: { status: 503, retryAfter: 5 },
  overloaded: { status: 503, retryAfter: 2 },
  queue_full: { status: 503, retryAfter: 30 },
  record_damaged: { status: 502 },
  image_damaged: { status: 502 },
  out_of_space: { status: 507, retryAfter: 30 },
  not_caught_up: { status: 503, retryAfter: 1 },
  internal_error: { status: commonStatuses.internal_error },
} as const satisfies Partial<Record<ErrorCode, ProblemRow>>;

export type ProblemCode = keyof typeof problemTable;
export const problemCodes = Object.keys(problemTable) as readonly ProblemCode[];

export type ApiProblem = Problem<ProblemCode>;

/** The problem details of anything thrown. Unexpected errors reveal nothing. */
export function problemOf(error: unknown): ApiProblem {
  const expected = expectedError(error);
  if (expected === undefined) {
    const detail = 'Internal error. See the API log for details.';
    return buildProblem('internal_error', problemTable.internal_error.status, detail);
  }
  const { code, message, details } = expected;
  return buildProblem(code, problemTable[code].status, message, details);
}

/** Default value of the header `Retry-After`; undefined where retrying does not help. */
export function retryAfterOf(code: ProblemCode): number | undefined {
  const meaning: ProblemRow = problemTable[code];
  return meaning.retryAfter;
}

/** `Retry-After` of this problem: its member `retry_after_seconds`, else the default. */
export function secondsToWait(problem: ApiProblem): number | undefined {
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
      message: 'Malformed request URL.',
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
