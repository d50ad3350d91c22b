import { z } from 'zod';
import { failureSchema } from './job.ts';

/** Why the broker dead-lettered a message. */
export const deathReasons = ['rejected', 'delivery_limit', 'other'] as const;

/**
 * A run that the broker dead-lettered: the object `dead/{job_id}/{run}.json`, written once by the DLQ recorder. Only its
 * `state` changes later. For a malformed message, the id is a digest of its bytes, and there is no request.
 */
export const deadLetterSchema = z
  .object({
    version: z.literal(1),
    job_id: z.string(),
    run: z.int().min(1),
    attempts: z.int().min(1).meta({ description: 'Number of attempts, including the first one.' }),
    error: failureSchema,
    death: z.object({
      reason: z.enum(deathReasons).meta({ description: 'Why the broker dead-lettered the message.' }),
      queue: z.string().meta({ description: 'The queue that the message was in.' }),
      at: z.iso.datetime(),
    }),
    name: z.string().nullable().meta({ description: 'The display name of the original, if it is known.' }),
    operations: z.array(z.string()).meta({ description: 'The types of the requested operations, in order.' }),
    submitted_at: z.iso.datetime().nullable(),
    traceparent: z.string().optional().meta({
      description: 'The trace of the message (W3C Trace Context); a replay links to it.',
    }),
    dead_lettered_at: z.iso.datetime(),
    state: z.enum(['dead', 'replayed', 'removed']),
  })
  .meta({
    id: 'DeadLetter',
    description: 'A job in the dead-letter queue, which failed permanently.',
  });

export type DeadLetter = z.output<typeof deadLetterSchema>;

/** A record in the store. Earlier versions wrote `dead_lettered_at` as `buried_at`. */
export const storedDeadLetterSchema = z.preprocess((record) => {
  if (typeof record !== 'object' || record === null || !('buried_at' in record)) return record;
  const { buried_at, ...rest } = record;
  return { dead_lettered_at: buried_at, ...rest };
}, deadLetterSchema);
