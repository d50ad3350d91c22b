import { messageOf, PipelineError } from '@image-pipeline/shared/errors.ts';
import { invalidParameter } from '@image-pipeline/shared/validation.ts';
import { MulterError } from 'multer';
import type { ApiConfig, apiLimits } from '../config.ts';
import { UploadAborted } from './form-body.ts';
import { textFields, unexpectedField } from './upload-options.ts';

/** Limits of an upload. */
export interface FormLimits {
  readonly fileBytes: number;
  readonly files: number;
  readonly fields: number;
  /** Files and fields together. */
  readonly parts: number;
  readonly fieldBytes: number;
  readonly nameBytes: number;
  /** The whole body. */
  readonly bodyBytes: number;
  /** Time to receive the first byte of the body, in milliseconds. */
  readonly firstByteMs: number;
  /** Time to receive the body, in milliseconds. */
  readonly receiveMs: number;
  /** Bytes per second, measured over each window after the first. */
  readonly minRate: number;
  /** Milliseconds. */
  readonly rateWindowMs: number;
}

const FIELDS = 10;
const FIELD_BYTES = 16 * 1024;
/** Room for a few fields beside the files. */
const PARTS_BESIDE_FILES = 5;
/** For boundaries and headers of parts. */
const OVERHEAD_BYTES = 128 * 1024;

export function formLimits(
  { MAX_FILE_BYTES, MAX_FILES }: Pick<ApiConfig, 'MAX_FILE_BYTES' | 'MAX_FILES'>,
  limits: typeof apiLimits,
): FormLimits {
  return {
    fileBytes: MAX_FILE_BYTES,
    files: MAX_FILES,
    firstByteMs: limits.uploadFirstByteMs,
    receiveMs: limits.requestTimeoutMs,
    minRate: limits.uploadMinRate,
    rateWindowMs: limits.uploadRateWindowMs,
    fields: FIELDS,
    parts: MAX_FILES + PARTS_BESIDE_FILES,
    fieldBytes: FIELD_BYTES,
    nameBytes: 100,
    bodyBytes: MAX_FILES * MAX_FILE_BYTES + FIELDS * FIELD_BYTES + OVERHEAD_BYTES,
  };
}

/** Maps an error of receiving a form to an error with a code. */
export function formProblem(error: unknown, limits: FormLimits, seenBytes: number): unknown {
  if (error instanceof PipelineError || error instanceof UploadAborted) return error;
  if (error instanceof MulterError) return multerProblem(error, limits, seenBytes);
  if (isOutOfSpace(error)) {
    return new PipelineError('out_of_space', 'No disk space left for the upload. Retry later.', {
      cause: error,
    });
  }
  if (isSystemError(error)) return error;
  return new PipelineError('malformed_multipart', `Malformed multipart form: ${messageOf(error)}.`, {
    cause: error,
  });
}

function multerProblem(error: MulterError, limits: FormLimits, seenBytes: number): PipelineError {
  const field = error.field ?? '';
  // multer's type of its codes lacks the newest ones.
  const code: string = error.code;
  switch (code) {
    case 'LIMIT_FILE_SIZE':
      return new PipelineError(
        'file_too_large',
        `File too large. Maximum: ${limits.fileBytes} bytes per file; the request body has at least ${seenBytes} bytes.`,
        { details: { limit: limits.fileBytes, seen: seenBytes } },
      );
    case 'LIMIT_FILE_COUNT':
      return tooMany('too_many_files', 'files', limits.files);
    case 'LIMIT_PART_COUNT':
      return tooMany('too_many_fields', 'parts', limits.parts);
    case 'LIMIT_FIELD_COUNT':
      return tooMany('too_many_fields', 'fields', limits.fields);
    case 'LIMIT_FIELD_VALUE':
      return tooLong(`The field "${field}"`, limits.fieldBytes);
    case 'LIMIT_FIELD_KEY':
      return tooLong('The name of a field', limits.nameBytes);
    case 'LIMIT_UNEXPECTED_FILE':
      return textFields.includes(field)
        ? invalidParameter(field, 'was sent as a file; send it as a text field')
        : unexpectedField(field);
    case 'LIMIT_FIELD_NESTING':
    case 'LIMIT_FIELD_ARRAY_INDEX':
    case 'INVALID_FIELD_NAME':
      return unexpectedField(field);
    default:
      return new PipelineError('malformed_multipart', `Malformed multipart form: ${error.message}.`);
  }
}

function tooLong(what: string, limit: number): PipelineError {
  return new PipelineError('too_many_fields', `${what} is too long. Maximum: ${limit} bytes.`, {
    details: { limit, seen: limit + 1 },
  });
}

function tooMany(code: 'too_many_files' | 'too_many_fields', what: string, limit: number): PipelineError {
  return new PipelineError(code, `Too many ${what}. Maximum: ${limit}.`, {
    details: { limit, seen: limit + 1 },
  });
}

function isOutOfSpace(error: unknown): boolean {
  return isSystemError(error) && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
}

/** An error of the operating system, as opposed to one of the parser. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}
