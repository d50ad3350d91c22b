import { PipelineError } from '../errors.ts';

/** S3 allows 1024 bytes; a folder's path comes on top of it and PATH_MAX is 4096. */
const MAX_KEY_BYTES = 1024;
const MAX_SEGMENT_BYTES = 255;

/**
 * A segment is a file name on every system: lower case, because `A` and `a` are one file on some; no leading dot, so that
 * neither `..` nor the folder store's own `.tmp` is a key; ASCII, so that byte order is string order.
 */
const SEGMENT = /^[a-z0-9_-][a-z0-9._-]*$/;

/** A key, prefix or part of one breaks the rules for keys. */
export class InvalidKey extends PipelineError {
  override readonly name = 'InvalidKey';

  constructor(what: string, value: string) {
    // JSON shows control characters instead of writing them into a log.
    super('invalid_parameter', `${JSON.stringify(value.slice(0, 100))} ${what}`);
  }
}

/** Whether one part of a key, between slashes, is valid. */
export function isSegment(text: string): boolean {
  return text.length <= MAX_SEGMENT_BYTES && SEGMENT.test(text);
}

/**
 * Returns `key` if it is valid: segments of `a-z 0-9 . _ -` joined by single slashes, at most 1024 bytes.
 * @throws InvalidKey
 */
export function checkKey(key: string): string {
  if (key.length > MAX_KEY_BYTES) throw new InvalidKey(`is longer than ${MAX_KEY_BYTES} bytes`, key);
  if (!key.split('/').every(isSegment)) throw new InvalidKey('is not a valid object key', key);
  return key;
}

/**
 * Returns `prefix` if a key can begin with it; it may be empty.
 * @throws InvalidKey
 */
export function checkPrefix(prefix: string): string {
  // The x completes the last segment, or is one.
  checkKey(`${prefix}x`);
  return prefix;
}

/**
 * Returns `startAfter` if it can be in a list of `prefix`.
 * @throws InvalidKey
 */
export function checkStartAfter(startAfter: string | undefined, prefix: string): string | undefined {
  if (startAfter === undefined) return undefined;
  checkKey(startAfter);
  // Stores disagree on markers from elsewhere: S3 compares them, MinIO lists nothing.
  if (!startAfter.startsWith(prefix)) throw new InvalidKey(`does not start with ${prefix}`, startAfter);
  return startAfter;
}
