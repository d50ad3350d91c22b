import { z } from 'zod';
import { failureSchema } from './job.ts';

/** Why the broker dead-lettered a message. */
export const deathReasons = ['rejected', 'delivery_limit', 'other'] as const;

/**
 * A run that the broker dead-lettered: the object `dead/{job_id}/{run}.json`, written once by the burial recorder. Its
 * `state` is the only thing that changes later. Of a message that could not be read the id is made of its bytes, and
 * there is no request to tell of.
 */
export const deadLetterSchema = z
  .object({
    version: z.literal(1),
    job_id: z.string(),
    run: z.int().min(1),
    attempts: z.int().min(1).meta({ description: 'Attempts on the retry ladder, the first included.' }),
    error: failureSchema,
    death: z.object({
      reason: z.enum(deathReasons).meta({ description: 'What made the broker dead-letter it.' }),
      queue: z.string().meta({ description: 'Where it was then.' }),
      at: z.iso.datetime(),
    }),
    name: z.string().nullable().meta({ description: 'The display name of the original, if it is known.' }),
    operations: z.array(z.string()).meta({ description: 'The kinds of operations asked for, in order.' }),
    submitted_at: z.iso.datetime().nullable(),
    traceparent: z.string().optional().meta({
      description: 'The trace that its message belonged to (W3C Trace Context); a replay is linked with it.',
    }),
    buried_at: z.iso.datetime(),
    state: z.enum(['dead', 'replayed', 'removed']),
  })
  .meta({
    id: 'DeadLetter',
    description: 'A job that failed for good, as it lies in the dead letter queue.',
  });

export type DeadLetter = z.output<typeof deadLetterSchema>;
