import { PermanentFailure } from '@image-pipeline/shared/errors.ts';

/**
 * The failure of bytes that are not the image they claim to be.
 * @param reason completes "The image cannot be decoded: …"
 */
export function undecodable(reason: string, cause?: unknown): PermanentFailure {
  return new PermanentFailure('undecodable_image', `The image cannot be decoded: ${reason}.`, { cause });
}
