/**
 * Every error that a person or another program may meet has a stable code. This table is the single source:
 * the OpenAPI document, the problem+json answers and the tests are made from it.
 *
 * `permanent` says what the worker does with a job that ends in it: a permanent failure is never retried.
 */
export const errorCodes = {
  // What an upload can be refused for (the API maps these to HTTP; see api/problem.ts).
  no_file: 'The request carries no file in the field "file".',
  empty_file: 'The file has no bytes.',
  unexpected_field: 'The form has a field that this call does not take.',
  unsupported_type: 'The bytes are not an image of a type that is taken.',
  file_too_large: 'The file is larger than the limit.',
  body_too_large: 'The request body is larger than the limit.',
  too_many_files: 'The request carries more files than the limit.',
  too_many_fields: 'The form has more fields or parts than the limit, or a field that is too long.',
  malformed_multipart: 'The body is not well-formed multipart/form-data.',
  malformed_request: 'The request could not be read.',
  invalid_parameter: 'A parameter is unknown or out of range.',
  idempotency_key_reused: 'The idempotency key stands for an upload of other content.',
  idempotency_key_in_hand: 'An upload with this idempotency key is being worked on.',
  rate_limited: 'Too many requests from this address.',
  request_timeout: 'The request took too long to arrive.',
  webhooks_not_set_up: 'A webhook is asked for, and the service has no secret to sign it with.',
  unauthorized: 'This call needs the token, as "Authorization: Bearer …".',
  token_not_set: 'This call needs a token, and none is configured.',
  // What a lookup can be refused for.
  not_found: 'There is nothing at this address.',
  job_not_found: 'No job with this id was ever accepted.',
  not_ready: 'The job has not ended yet.',
  job_failed: 'The job failed; it has no result.',
  result_gone: 'The bytes of this job have been removed.',
  not_in_dlq: 'The job does not lie in the dead letter queue.',
  not_replayable: 'The dead letter is no job that could be done again; it can only be removed.',
  replay_running: 'Another replay has not ended yet.',
  method_not_allowed: 'This address does not answer this method.',
  // What the system itself can be out of.
  broker_unavailable: 'The message broker does not answer, or takes no messages for the moment.',
  publish_unconfirmed: 'The broker did not confirm in time; the job may or may not have been taken.',
  store_unavailable: 'The object store does not answer.',
  overloaded: 'More requests are in hand already than can be worked on.',
  queue_full: 'More jobs wait for a worker than the limit.',
  out_of_space: 'There is no room for the upload at the moment.',
  not_caught_up: 'The service has just started and is still reading the event log.',
  internal_error: 'Something went wrong that should not have.',
  // What a job can fail of.
  undecodable_image: 'The bytes cannot be decoded as the image type they claim to be.',
  image_too_large: 'The image has more pixels, frames or scans than the limit.',
  output_too_large: 'The operations ask for an image larger than the limit.',
  invalid_job: 'The job message is not one that this worker understands.',
  original_missing: 'The original is not in the store.',
  original_damaged: 'The original in the store is not what was uploaded.',
  deadline_exceeded: 'The image took longer to process than its deadline.',
  memory_exceeded: 'Processing the image took more memory than its limit.',
  engine_crashed: 'The process that worked on the image died.',
  workers_died: 'Every worker that had the job died of it or with it.',
  processing_failed: 'The image could not be processed.',
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** The member `type` of problem details: an address that only names the kind; the OpenAPI document explains them. */
export function problemType(code: ErrorCode): string {
  return `urn:image-pipeline:problem:${code}`;
}

/** Extra members that an error shows to its reader, e.g. `{ limit: 10485760, seen: 12000000 }`. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/** An expected error: a stable code, a message fit for the public, and what caused it. */
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

/** The job can never succeed: it is not retried but goes to the dead letter queue with this code and reason. */
export class PermanentFailure extends PipelineError {
  override readonly name = 'PermanentFailure';
}

/** The job may succeed later: it goes to the next rung of the retry ladder. */
export class TransientFailure extends PipelineError {
  override readonly name = 'TransientFailure';
}

/** The store itself is away; nobody's job has failed. Work waits until it is back. */
export class StoreUnavailable extends PipelineError {
  override readonly name = 'StoreUnavailable';

  constructor(message: string, options: { cause?: unknown } = {}) {
    super('store_unavailable', message, options);
  }
}

/** The text of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
