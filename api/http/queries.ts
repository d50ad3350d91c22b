import { jobIdSchema, jobStates } from '@image-pipeline/shared/contracts/job.ts';
import { z } from 'zod';

/**
 * A whole number as it stands in a query: a text, though the OpenAPI document may call it a number. The document has the
 * fallback in the description only: a `default` would be filled in and sent by Swagger UI.
 */
function wholeNumber(minimum: number, maximum: number, fallback: number, description: string) {
  return z
    .string()
    .regex(/^\d{1,6}$/, 'is not a whole number')
    .transform(Number)
    .pipe(z.int().min(minimum).max(maximum))
    .prefault(String(fallback))
    .meta({
      description: `${description} Default: ${fallback}.`,
      override: { type: 'integer', minimum, maximum, default: undefined, pattern: undefined },
    });
}

export const statusQuerySchema = z.object({
  wait: wholeNumber(0, 60, 0, 'Seconds to hold the answer for, until the job has ended.'),
});

export const deadLetterListQuerySchema = z.object({
  limit: wholeNumber(1, 1_000, 100, 'Dead letters on one page.'),
  cursor: z.string().max(200).optional().meta({ description: 'The `next_cursor` of the page before.' }),
});

export const removalQuerySchema = z.object({
  id: z
    .preprocess((given) => (typeof given === 'string' ? [given] : given), z.array(z.string().max(100)).min(1))
    .optional()
    .meta({ description: 'The job whose dead letter is removed; may stand there several times.' }),
  all: z.literal('true', 'must be true').optional().meta({ description: 'Remove all of them.' }),
});

export const jobListQuerySchema = z.object({
  status: z.enum(jobStates).optional().meta({ description: 'Only jobs in this state.' }),
  limit: wholeNumber(1, 100, 20, 'Jobs on one page.'),
  cursor: jobIdSchema.optional().meta({ description: 'The `next_cursor` of the page before.' }),
});
