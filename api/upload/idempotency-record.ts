import { jobIdSchema } from '@image-pipeline/shared/contracts/job.ts';
import { z } from 'zod';

/**
 * What an idempotency key stands for: the object `idempotency/{sha256 of key}.json`, put if absent. The ids and the
 * time are all that a job has of its own, so whoever repeats the upload makes the same jobs of it.
 */
export const idempotencyRecordSchema = z.object({
  version: z.literal(1),
  /** hex; see content-hash.ts */
  content_hash: z.string().regex(/^[0-9a-f]{64}$/),
  /** One a file that is an image, in the order sent. */
  job_ids: z.array(jobIdSchema).min(1),
  submitted_at: z.iso.datetime(),
});

export type IdempotencyRecord = z.output<typeof idempotencyRecordSchema>;
