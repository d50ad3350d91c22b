import { createHash } from 'node:crypto';
import type { ExaminedFile } from './inspect-image.ts';
import type { Wishes } from './upload-options.ts';

/**
 * By which two uploads are known as the same: files with their names, order and bytes, and what is to be done to them.
 * @returns SHA-256 in hex
 */
export function contentHash(files: readonly ExaminedFile[], wishes: Wishes): string {
  const described = files.map(({ file, ...verdict }) => [
    file.name,
    file.size,
    'image' in verdict ? verdict.image.sha256 : null,
  ]);
  return createHash('sha256')
    .update(JSON.stringify([described, wishes]))
    .digest('hex');
}
