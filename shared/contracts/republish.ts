import { z } from 'zod';

/** Maximum number of jobs that an order can name, and that a result lists. */
export const MAX_JOBS_LISTED = 1_000;

/** The body of `POST /republish` of the monitoring service. Without `ids`, it selects all unaccounted runs. */
export const republishOrderSchema = z.strictObject({
  ids: z.array(z.string().max(100)).min(1).max(MAX_JOBS_LISTED).optional().meta({ description: 'Job ids.' }),
  dry_run: z.boolean().default(false).meta({ description: 'Only list what would be republished.' }),
});

const count = z.int().min(0);

export const republishCountsSchema = z.object({
  dry_run: z.boolean(),
  unaccounted: count.meta({
    description: 'Selected jobs that are in no queue, have not ended and were not republished a moment ago.',
  }),
  republished: count.meta({ description: 'In a dry run: jobs that would be republished.' }),
  ended: count.meta({
    description: 'Not republished: the run has ended, or its request is missing from the store.',
  }),
  damaged: count.meta({ description: 'Not republished: a record of the job is damaged.' }),
  left: count.meta({
    description: 'Jobs that this request did not handle within 30 s. Repeat the request until it is 0.',
  }),
});

/** The response of `POST /republish` of the monitoring service. */
export const republishResultSchema = republishCountsSchema.extend({
  /** The first of the republished runs, at most `MAX_JOBS_LISTED`. */
  runs: z.array(z.object({ job_id: z.string(), run: z.int().min(1) })),
});

export type RepublishOrder = z.output<typeof republishOrderSchema>;
export type RepublishResult = z.output<typeof republishResultSchema>;
