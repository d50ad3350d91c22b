import { messageOf, PipelineError, StoreUnavailable } from '../errors.ts';
import { DeadlineExceeded } from '../waiting.ts';
import { SourceFailed } from './bodies.ts';

/** The store is available but cannot be used with this configuration. The process should exit with code 78. */
export class StoreMisconfigured extends Error {
  override readonly name = 'StoreMisconfigured';
}

/**
 * Something else is in the place of an object: a link, a pipe, or a folder. Or a file is in the place of one of its folders.
 * The store itself is available, so waiting does not help.
 */
export class NoObject extends Error {
  override readonly name = 'NoObject';
}

/** The call that failed: `store` as shown to people, `operation` as in ObjectStore. */
export interface StoreCall {
  readonly store: string;
  readonly operation: string;
  /** The key or prefix; empty for the whole store. */
  readonly key: string;
}

/** Messages for codes of Node, the operating system and S3; for other codes, the code itself is shown. */
const plainWords: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  ENOTFOUND: 'unknown host name',
  EAI_AGAIN: 'temporary DNS failure',
  ETIMEDOUT: 'connection timed out',
  ENOSPC: 'no space left on the device',
  EDQUOT: 'disk quota exceeded',
  EROFS: 'the file system is read-only',
  EACCES: 'permission denied',
  EMFILE: 'too many open files',
  EIO: 'I/O error',
  NoSuchBucket: 'the bucket does not exist',
  AccessDenied: 'access denied; check the keys and the policy of the user, see docs/security.md',
  InvalidAccessKeyId: 'unknown access key; with Compose, docker-compose up -d sets up the users again',
  SignatureDoesNotMatch: 'wrong secret key; with Compose, docker-compose up -d sets up the users again',
  RequestTimeTooSkewed: 'its clock differs from ours by more than 15 minutes',
  XMinioStorageFull: 'no space left in the store',
};

/**
 * The error to throw for `error`: `error` itself if the store did not cause it (an invalid key, a failed stream of the
 * caller), else a StoreUnavailable whose message names the store and the operation, but no host or path.
 */
export function failureOf(error: unknown, call: StoreCall): unknown {
  if (error instanceof SourceFailed) return error.cause;
  if (error instanceof PipelineError || error instanceof StoreMisconfigured) return error;
  const { store, operation, key } = call;
  if (error instanceof NoObject) {
    return new PipelineError('record_damaged', `The object ${key} in the store ${error.message}.`, {
      cause: error,
    });
  }
  const what = key === '' ? operation : `${operation} ${key}`;
  return new StoreUnavailable(`The object store (${store}) failed to ${what}: ${reasonOf(error)}.`, {
    cause: error,
  });
}

/** The code of an error of Node, the operating system or S3, or undefined. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' && error.code !== '' ? error.code : undefined;
}

function reasonOf(error: unknown): string {
  if (error instanceof DeadlineExceeded) return error.message;
  const code = codeOf(error);
  if (code === undefined) return messageOf(error);
  const words = plainWords[code];
  return words === undefined ? code : `${words} (${code})`;
}
