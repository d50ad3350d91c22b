import type { ErrorCode, ErrorDetails } from '../errors.ts';
import { errorCodes, PipelineError, problemType } from '../errors.ts';

/** Problem details (RFC 9457). Further members help the client to get it right next time. */
export interface Problem<Code extends ErrorCode = ErrorCode> {
  readonly type: string;
  /** The meaning of the code, the same every time. */
  readonly title: string;
  readonly status: number;
  /** What went wrong this time. */
  readonly detail: string;
  readonly code: Code;
  readonly [member: string]: unknown;
}

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/** HTTP statuses of the errors that any server of the system can respond with. */
export const commonStatuses = {
  malformed_request: 400,
  unauthorized: 401,
  cross_site: 403,
  not_found: 404,
  method_not_allowed: 405,
  request_timeout: 408,
  body_too_large: 413,
  url_too_long: 414,
  unsupported_encoding: 415,
  host_not_allowed: 421,
  invalid_parameter: 422,
  rate_limited: 429,
  too_many_connections: 429,
  upgrade_required: 426,
  headers_too_large: 431,
  internal_error: 500,
  broker_unavailable: 503,
  not_caught_up: 503,
  publish_unconfirmed: 503,
  store_unavailable: 503,
  token_not_set: 503,
} as const satisfies Partial<Record<ErrorCode, number>>;

export type CommonCode = keyof typeof commonStatuses;

/** @param details further members, such as `allowed` or `limit` */
export function buildProblem<Code extends ErrorCode>(
  code: Code,
  status: number,
  detail: string,
  details: ErrorDetails = {},
): Problem<Code> {
  return { type: problemType(code), title: errorCodes[code], status, detail, code, ...details };
}

/** The problem of anything thrown. An unexpected error reveals nothing about itself. */
export function commonProblem(error: unknown): Problem<CommonCode> {
  if (error instanceof PipelineError && isCommon(error.code)) {
    return buildProblem(error.code, commonStatuses[error.code], error.message, error.details);
  }
  const code = 'internal_error';
  return buildProblem(
    code,
    commonStatuses[code],
    'Unexpected error. See the log of the service for details.',
  );
}

function isCommon(code: ErrorCode): code is CommonCode {
  return Object.hasOwn(commonStatuses, code);
}
