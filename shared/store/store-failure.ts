import { PipelineError, StoreUnavailable, messageOf } from '../errors.ts';
import { SourceFailed } from './measured-body.ts';
import { DeadlineExceeded } from '../within-deadline.ts';

/** The store answers but can never serve us; no waiting will change it. The process should end with exit code 78. */
export class StoreMisconfigured extends Error {
  override readonly name = 'StoreMisconfigured';
}

/** What was being done when a store failed: `store` as people know it, `operation` as in ObjectStore. */
export interface Undertaking {
  readonly store: string;
  readonly operation: string;
  /** The key or prefix; empty where the whole store is meant. */
  readonly key: string;
}

/** Codes of Node, the operating system and S3 that are worth plain words; the code itself does for the rest. */
const plainWords: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was cut',
  ENOTFOUND: 'its host name is unknown',
  EAI_AGAIN: 'its host name cannot be looked up at the moment',
  ETIMEDOUT: 'no connection in time',
  ENOSPC: 'no space left on the device',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the file system is read-only',
  EACCES: 'permission denied',
  EMFILE: 'too many open files',
  EIO: 'the device failed',
  NoSuchBucket: 'the bucket is gone',
  RequestTimeTooSkewed: 'its clock and ours differ by more than 15 minutes',
  XMinioStorageFull: 'no space left in the store',
};

/**
 * What to throw for `error`: itself where it is not the store's (a wrong key, a caller's stream that failed), or else a
 * StoreUnavailable whose message names the store and the operation and no host or path.
 */
export function failureOf(error: unknown, undertaking: Undertaking): unknown {
  if (error instanceof SourceFailed) return error.cause;
  if (error instanceof PipelineError || error instanceof StoreMisconfigured) return error;
  const { store, operation, key } = undertaking;
  const what = key === '' ? operation : `${operation} ${key}`;
  return new StoreUnavailable(`The object store (${store}) could not ${what}: ${reasonOf(error)}.`, {
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
