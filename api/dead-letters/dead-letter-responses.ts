import { deadLetterSchema } from '@image-pipeline/shared/contracts/dead-letter.ts';
import { z } from 'zod';

const counts = z.record(z.string(), z.int());

export const deadLetterStatsSchema = z
  .object({
    count: z.int().meta({ description: 'Jobs that lie dead; each run counts.' }),
    by_reason: counts.meta({ description: 'By error code.' }),
    by_operation: counts.meta({ description: 'By kind of operation asked for.' }),
    oldest_age_seconds: z.number().nullable().meta({ description: 'Since the oldest was buried.' }),
  })
  .meta({ id: 'DeadLetterStats' });

/** A record as callers see it. Parsing drops what is only ours. */
export const deadLetterEntrySchema = deadLetterSchema
  .omit({ version: true, state: true })
  .extend({ status_url: z.string() });

export const deadLetterListSchema = z
  .object({
    messages: z.array(deadLetterEntrySchema).meta({ description: 'Oldest job first.' }),
    next_cursor: z.string().nullable().meta({ description: 'For the next page; null on the last one.' }),
  })
  .meta({ id: 'DeadLetterList' });
