import { StoreUnavailable } from '../errors.ts';
import { codeOf, StoreMisconfigured } from './store-failure.ts';

/** Error codes that no waiting changes, and what to do about each. */
export type Remedies = Readonly<Record<string, string>>;

const noConditionalWrites = 'It does not know conditional writes: use MinIO, or an S3 that does.';
const badName = 'A bucket cannot have this name: check MINIO_BUCKET.';

/** Codes of S3 and names of minio-js. */
export const minioRemedies: Remedies = {
  InvalidAccessKeyId: 'It does not know the access key: check MINIO_ACCESS_KEY.',
  SignatureDoesNotMatch: 'The secret key is wrong: check MINIO_SECRET_KEY.',
  AccessDenied:
    'The keys are wrong or may not use this bucket: check MINIO_ACCESS_KEY, MINIO_SECRET_KEY and the policy of their user.',
  AuthorizationHeaderMalformed: 'The region is not the server’s: check MINIO_REGION.',
  InvalidBucketName: badName,
  InvalidBucketNameError: badName,
  BucketAlreadyExists: 'The bucket belongs to somebody else: choose another MINIO_BUCKET.',
  MovedPermanently: 'The bucket lies elsewhere: check the endpoint and MINIO_REGION.',
  NotImplemented: noConditionalWrites,
  MethodNotAllowed: noConditionalWrites,
  // RELEASE.2025-09-06 alone answers so to If-None-Match on a key that is free (minio/minio#21550, undone by #21567).
  NoSuchKey:
    'This release of MinIO refuses conditional writes of new objects: use RELEASE.2025-09-07 or newer.',
};

const noHardLinks = 'Its file system has no hard links: choose another STORE_FOLDER.';

/** Codes of the operating system. */
export const folderRemedies: Remedies = {
  EACCES: 'Its folder may not be written to: check who owns STORE_FOLDER.',
  EROFS: 'Its folder is on a read-only file system: choose another STORE_FOLDER.',
  ENOTDIR: 'Its path runs through a file: choose another STORE_FOLDER.',
  EEXIST: 'Its path is that of a file: choose another STORE_FOLDER.',
  EPERM: noHardLinks,
  ENOTSUP: noHardLinks,
  ENOSYS: noHardLinks,
};

/** During a start: the fatal error that `error` stands for, or `error` itself where waiting may help. */
export function explainRefusal(error: unknown, remedies: Remedies): unknown {
  const cause = error instanceof StoreUnavailable ? error.cause : error;
  const code = codeOf(cause) ?? (cause instanceof Error ? cause.name : '');
  const remedy = remedies[code];
  if (remedy === undefined) return error;
  return new StoreMisconfigured(`The object store refuses to serve (${code}). ${remedy}`, { cause });
}
