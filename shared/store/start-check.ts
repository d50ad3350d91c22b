import { randomUUID } from 'node:crypto';
import { StoreUnavailable } from '../errors.ts';
import { probeKey } from './keys.ts';
import type { ObjectStore } from './object-store.ts';
import { codeOf, StoreMisconfigured } from './store-failure.ts';

/** Permanent error codes, and what to do about each. */
export type Remedies = Readonly<Record<string, string>>;

const noConditionalWrites =
  'It does not support conditional writes. Use MinIO or another S3-compatible store that does.';
const badName = 'Invalid bucket name. Check MINIO_BUCKET.';

/** Codes of S3 and names of minio-js. */
export const minioRemedies: Remedies = {
  InvalidAccessKeyId: 'Unknown access key. Check MINIO_ACCESS_KEY.',
  SignatureDoesNotMatch: 'Wrong secret key. Check MINIO_SECRET_KEY.',
  AccessDenied:
    'The keys are wrong or have no access to this bucket. Check MINIO_ACCESS_KEY, MINIO_SECRET_KEY and the policy of the user (docs/security.md). With Compose, docker-compose up -d sets up the users again.',
  AuthorizationHeaderMalformed: 'Wrong region. Check MINIO_REGION.',
  InvalidBucketName: badName,
  InvalidBucketNameError: badName,
  BucketAlreadyExists: 'The bucket name is used by another account. Choose another MINIO_BUCKET.',
  MovedPermanently: 'The bucket is in another region. Check MINIO_ENDPOINT and MINIO_REGION.',
  NotImplemented: noConditionalWrites,
  MethodNotAllowed: noConditionalWrites,
  // Only RELEASE.2025-09-06 responds like this to If-None-Match on an unused key (minio/minio#21550, undone by #21567).
  NoSuchKey:
    'This release of MinIO rejects conditional writes of new objects. Use RELEASE.2025-09-07 or later.',
};

const noHardLinks = 'Its file system does not support hard links. Choose another STORE_FOLDER.';

/** Codes of the operating system. */
export const folderRemedies: Remedies = {
  EACCES: 'Its folder is not writable. Check the owner of STORE_FOLDER.',
  EROFS: 'Its folder is on a read-only file system. Choose another STORE_FOLDER.',
  ENOTDIR: 'A part of its path is a file. Choose another STORE_FOLDER.',
  EEXIST: 'Its path is a file. Choose another STORE_FOLDER.',
  EPERM: noHardLinks,
  ENOTSUP: noHardLinks,
  ENOSYS: noHardLinks,
};

/** At start-up: the fatal error that explains `error`, or `error` itself if retrying may help. */
export function explainRefusal(error: unknown, remedies: Remedies): unknown {
  const cause = error instanceof StoreUnavailable ? error.cause : error;
  const code = codeOf(cause) ?? (cause instanceof Error ? cause.name : '');
  const remedy = remedies[code];
  if (remedy === undefined) return error;
  return new StoreMisconfigured(`The object store cannot be used (${code}). ${remedy}`, { cause });
}

/**
 * Writes an object twice and rejects a store that accepts the second write: with it, two attempts could both end a run.
 *
 * @param remedy what to do about such a store: a sentence
 * @throws StoreMisconfigured, StoreUnavailable
 */
export async function provePutIfAbsent(
  store: Pick<ObjectStore, 'putIfAbsent' | 'remove'>,
  remedy: string,
): Promise<void> {
  // A new key each time: services that start at once must not be taken for a second writer.
  const key = probeKey(randomUUID());
  try {
    const first = await store.putIfAbsent(key, Buffer.from('first'));
    const second = await store.putIfAbsent(key, Buffer.from('second'));
    if (!first || second) {
      throw new StoreMisconfigured(
        `The object store does not support put-if-absent (conditional writes). ${remedy}`,
      );
    }
  } finally {
    await store.remove(key);
  }
}
