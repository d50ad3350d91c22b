import { z } from 'zod';
import { inputTypes, operationsSchema, outputSchema } from './operations.ts';

/** A UUIDv7 in lower case, like the keys of the store: job ids sort by creation time. */
const JOB_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

export const jobIdSchema = z.string().regex(JOB_ID).meta({ format: 'uuid' });

/** A job id from a client, who may write it in upper case. */
export const givenJobIdSchema = z.string().toLowerCase().regex(JOB_ID).meta({ format: 'uuid' });

export const jobStates = ['queued', 'processing', 'retrying', 'completed', 'failed'] as const;
export type JobState = (typeof jobStates)[number];

/** The states in a timeline: a job that was redelivered is still in progress, one that was postponed still waits for its retry. */
const timelineStates = [...jobStates, 'redelivered', 'postponed'] as const;
export type TimelineState = (typeof timelineStates)[number];

/** The final states of a run. */
export const terminalStates: readonly JobState[] = ['completed', 'failed'];

const timestamp = z.iso.datetime().meta({ description: 'UTC, RFC 3339' });

export const failureSchema = z
  .object({
    code: z.string().meta({ description: 'A stable error code; see the list of error codes.' }),
    reason: z.string().meta({ description: 'A description of the error for people.' }),
  })
  .meta({ id: 'Failure' });
export type Failure = z.output<typeof failureSchema>;

/** The slot of a worker in which a job is processed. */
export const slotSchema = z
  .int()
  .min(1)
  .meta({ description: 'The slot of the worker, from 1: the lowest that was free. A slow image has none.' });

/** The number of a delivery by RabbitMQ that is not the first one. */
export const redeliverySchema = z.int().min(2).meta({
  description:
    'How often RabbitMQ had delivered the job by then, this time included; 2 is the first redelivery.',
});

/** The number of a postponement of the next attempt. */
export const postponementSchema = z.int().min(1).meta({
  description:
    'Which postponement of the next attempt this is, from 1. A timeline keeps only the newest one per attempt.',
});

/** One entry of a job's timeline. */
export const timelineEntrySchema = z
  .object({
    state: z.enum(timelineStates),
    at: timestamp,
    run: z.int().min(1),
    attempt: z.int().min(1),
    worker: z.string().optional(),
    slot: slotSchema.optional(),
    redelivered: z.boolean().optional().meta({
      description:
        'True if RabbitMQ redelivered the job because an earlier worker died or stopped before it finished.',
    }),
    delivery: redeliverySchema.optional(),
    postponement: postponementSchema.optional(),
    reason: z.string().optional().meta({ description: 'Why the job was redelivered or postponed.' }),
    retry_at: timestamp.optional(),
    error: failureSchema.optional(),
  })
  .meta({ id: 'TimelineEntry', description: 'A state change of a job, with its time.' });
export type TimelineEntry = z.output<typeof timelineEntrySchema>;

/**
 * The request of a run, fixed when it is accepted: the object `jobs/{job_id}/runs/{run}/request.json`.
 * `original.size` is in bytes, `original.sha256` in hex.
 */
export const jobRequestSchema = z
  .object({
    version: z.literal(1),
    job_id: jobIdSchema,
    run: z.int().min(1),
    submitted_at: timestamp,
    original: z.object({
      name: z.string().max(65_536),
      content_type: z.enum(inputTypes),
      size: z.int().min(1),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
    }),
    operations: operationsSchema,
    output: outputSchema,
    callback_url: z.url().optional().meta({
      description:
        'The URL that gets a webhook at the end of each run. It may contain secrets: only /status shows it.',
    }),
  })
  .meta({ id: 'JobRequest' });
export type JobRequest = z.output<typeof jobRequestSchema>;

/**
 * The message on `image.jobs`: the request and the timeline of earlier attempts, so that the outcome has the whole
 * timeline even if the event log is lost. The header `x-attempt` has the number of the attempt.
 */
export const jobMessageSchema = jobRequestSchema
  .extend({ history: z.array(timelineEntrySchema).max(100).default([]) })
  .meta({ id: 'JobMessage' });
export type JobMessage = z.output<typeof jobMessageSchema>;

/** The header `x-attempt` of a job message: the number of the attempt, from 1. */
export const attemptHeaderSchema = z.int().min(1).max(1_000).default(1);
export const BAD_ATTEMPT_HEADER = 'the header x-attempt is not a whole number from 1 to 1000';

/** The first timeline entry of every run. */
export function queuedEntry(request: JobRequest): TimelineEntry {
  return { state: 'queued', at: request.submitted_at, run: request.run, attempt: 1 };
}
