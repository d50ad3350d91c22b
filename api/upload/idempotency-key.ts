import type { Request } from 'express';
import { invalidParameter } from '../http/invalid-parameter.ts';

export const IDEMPOTENCY_HEADER = 'Idempotency-Key';
/** Of an answer to an upload that was accepted earlier under the same key. */
export const REPLAYED_HEADER = 'Idempotency-Replayed';
const MAX_LENGTH = 255;

/**
 * The client's own name for an upload, by which a repeat is known; undefined where there is none. The quotes that the
 * IETF draft puts around it (draft-ietf-httpapi-idempotency-key-header) may be there or not.
 * @throws PipelineError `invalid_parameter`
 */
export function idempotencyKeyOf(request: Pick<Request, 'header'>): string | undefined {
  const given = request.header(IDEMPOTENCY_HEADER);
  if (given === undefined) return undefined;
  const key = given.trim().replace(/^"(.*)"$/, '$1');
  if (key !== '' && key.length <= MAX_LENGTH && /^[\x20-\x7e]+$/.test(key)) return key;
  throw invalidParameter(
    IDEMPOTENCY_HEADER,
    `is 1 to ${MAX_LENGTH} visible ASCII characters, e.g. a UUID; this one has ${key.length}`,
    { allowed: { minLength: 1, maxLength: MAX_LENGTH } },
  );
}
