/**
 * The stable codes of all errors that a client, a user or another program can see. This table is the single source: the
 * OpenAPI document, the problem+json responses and the tests are made from it. The text says what is wrong and, where
 * you can do something about it, what to do; the `detail` of a response adds the limits and values of the one case.
 */
export const errorCodes = {
  // Why an upload is refused (api/http/problem.ts maps these to HTTP statuses).
  no_file: 'No file was sent. Attach at least one file in the form field "file".',
  empty_file: 'The file is empty.',
  unexpected_field: 'Unknown form field.',
  unsupported_type: 'Unsupported file type.',
  too_costly: 'The operations would take too long for an image of this size.',
  file_too_large: 'The file exceeds the size limit.',
  body_too_large: 'The request body exceeds the size limit.',
  too_many_files: 'Too many files in one request.',
  too_many_fields: 'Too many form fields or parts, or a form field that is too long.',
  malformed_multipart: 'Malformed multipart/form-data body.',
  malformed_request: 'Malformed HTTP request.',
  unsupported_encoding: 'Unsupported Content-Encoding. Send the body uncompressed.',
  url_too_long: 'The URL exceeds the size limit.',
  headers_too_large: 'The request headers exceed the size limit.',
  invalid_parameter: 'Unknown or invalid parameter.',
  host_not_allowed: 'The service does not respond under this host name.',
  cross_site: 'Pages of other sites may not send this request.',
  idempotency_key_reused: 'This Idempotency-Key was used for a different upload. Use a new key.',
  idempotency_key_in_use:
    'An upload with this Idempotency-Key is still in progress. Retry after the given delay.',
  rate_limited: 'Too many requests from this address. Retry after the given delay.',
  too_many_connections: 'Too many connections. Close a connection or retry after the given delay.',
  request_timeout: 'The request timed out before it was complete.',
  webhooks_not_set_up: 'Webhooks are not configured. Set WEBHOOK_SECRET, or upload without callback_url.',
  unauthorized: 'Missing or invalid API token. Send "Authorization: Bearer <token>".',
  token_not_set: 'This call requires API_TOKEN, which is not set, or not the same in all services.',
  // Why a request about a job is refused.
  not_found: 'There is nothing at this URL.',
  job_not_found: 'No job with this id exists.',
  job_removed: 'The retention period of this job is over, and it has been removed.',
  not_ready: 'The job has not finished yet. Retry after the given delay.',
  job_failed: 'The job failed and has no result.',
  result_gone: 'The image files of this job have been deleted.',
  not_in_dlq: 'The job is not in the dead-letter queue.',
  not_replayable:
    'This dead letter does not contain a valid job, so it cannot be replayed. You can only remove it.',
  replay_running: 'Another replay is still running. Retry after it has finished.',
  worker_not_running: 'No worker with this name is running.',
  method_not_allowed: 'Method not allowed for this URL.',
  upgrade_required: 'This endpoint accepts only WebSocket connections.',
  record_damaged: 'A record of this job in the object store is damaged.',
  image_damaged: 'The stored image does not match its record.',
  // Why the system cannot handle a request.
  broker_unavailable: 'The message broker is unavailable or does not accept messages at the moment.',
  publish_unconfirmed: 'The message broker did not confirm the job in time, so it may or may not be queued.',
  store_unavailable: 'The object store is unavailable.',
  overloaded: 'Too many requests in progress. Retry after the given delay.',
  queue_full: 'The job queue is full. Retry after the given delay.',
  out_of_space: 'There is not enough disk space for the upload.',
  not_caught_up: 'The service is starting and still reading the event log. Retry after the given delay.',
  internal_error: 'An internal error occurred.',
  // Why a job fails.
  undecodable_image: 'The image is damaged or does not match its file type, and cannot be decoded.',
  image_too_large: 'The image exceeds the limit for pixels, scans or chunks.',
  output_too_large: 'The operations would produce an image that exceeds the size limit.',
  invalid_job: 'The job message is invalid.',
  original_missing: 'The original is missing from the object store.',
  original_damaged: 'The original in the object store does not match the upload.',
  deadline_exceeded: 'Processing the image exceeded the time limit.',
  slow_image: 'The image takes long to process, so it waits in the queue for slow images.',
  memory_exceeded: 'Processing the image exceeded the memory limit.',
  engine_crashed: 'The image processor crashed.',
  workers_died: 'Every worker that processed the job died.',
  processing_failed: 'The image could not be processed.',
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** The member `type` of problem details: a URN that identifies the kind of problem. The OpenAPI document explains each. */
export function problemType(code: string): string {
  return `urn:image-pipeline:problem:${code}`;
}

/** Extra members of the error response, e.g. `{ limit: 10485760, seen: 12000000 }`. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/** An expected error: a stable code, a message that may be shown to clients, and its cause. */
export class PipelineError extends Error {
  override readonly name: string = 'PipelineError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; details?: ErrorDetails } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
  }
}

/** The job can never succeed: it is not retried but sent to the dead-letter queue with this code and message. */
export class PermanentFailure extends PipelineError {
  override readonly name = 'PermanentFailure';
}

/** The job may succeed later: it is retried after the next retry delay. */
export class TransientFailure extends PipelineError {
  override readonly name = 'TransientFailure';
}

/** The store itself is unavailable. No job fails because of it: processing waits until the store is back. */
export class StoreUnavailable extends PipelineError {
  override readonly name = 'StoreUnavailable';

  constructor(message: string, options: { cause?: unknown } = {}) {
    super('store_unavailable', message, options);
  }
}

/** Whether a record in the store is the cause: retrying does not help, and the records of other jobs are not affected. */
export function isDamagedRecord(error: unknown): boolean {
  return error instanceof PipelineError && error.code === 'record_damaged';
}

/** The message of a thrown value of any type. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
