import { z } from 'zod';
import type { Variable } from '../config.ts';

const HOUR_MS = 3_600_000;
const unitMs = { h: HOUR_MS, d: 24 * HOUR_MS } as const;

/** How long jobs are kept after their end, in milliseconds; Infinity: always. */
export const retentionVariable: Variable<number> = {
  schema: z
    .string()
    .regex(/^(off|[1-9]\d{0,4}[hd])$/)
    .transform((text) =>
      text === 'off' ? Infinity : Number.parseInt(text) * unitMs[text.endsWith('d') ? 'd' : 'h'],
    ),
  default: 'off',
  form: 'off, or a whole number of hours or days',
  example: '30d',
  description: 'how long ended jobs and their images are kept, e.g. 12h or 30d; off: until you delete them',
};

/** When a job was submitted, in milliseconds since 1970: its id (a UUIDv7) begins with the time. */
export function submittedAt(jobId: string): number {
  return Number.parseInt(jobId.slice(0, 8) + jobId.slice(9, 13), 16);
}

/** Whether a job of which the store has no record may have been removed: one that was submitted within the retention is not. */
export function mayHaveBeenRemoved(jobId: string, retentionMs: number): boolean {
  return Date.now() - submittedAt(jobId) > retentionMs;
}
