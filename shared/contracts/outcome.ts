import { z } from 'zod';
import { resultsPrefix, thumbnailsPrefix } from '../store/keys.ts';
import { failureSchema, jobIdSchema, timelineEntrySchema } from './job.ts';
import { outputFormats } from './operations.ts';

const outputTypes = outputFormats.map((format) => `image/${format}` as const);

/** An image in the object store. `size` in bytes, `width` and `height` in pixels, `sha256` in hex. */
export const storedImageSchema = z
  .object({
    key: z.string(),
    content_type: z.enum(outputTypes),
    size: z.int().min(1),
    sha256: z.string(),
    width: z.int().min(1),
    height: z.int().min(1),
  })
  .meta({ id: 'StoredImage' });
export type StoredImage = z.output<typeof storedImageSchema>;

/** The duration of each stage of an attempt, in milliseconds. */
export const timingsSchema = z
  .object({
    wait_ms: z.number().meta({ description: 'from the upload to the start of this attempt' }),
    fetch_ms: z.number().meta({ description: 'reading the original' }),
    process_ms: z.number().meta({ description: 'decoding, operations and encoding' }),
    store_ms: z.number().meta({ description: 'writing result and thumbnail' }),
  })
  .meta({ id: 'Timings' });
export type Timings = z.output<typeof timingsSchema>;

const common = {
  version: z.literal(1),
  job_id: jobIdSchema,
  run: z.int().min(1),
  attempt: z.int().min(1),
  /** Distinguishes concurrent attempts: the one whose id is in the stored outcome has won. */
  attempt_id: z.string(),
  worker: z.string(),
  finished_at: z.iso.datetime(),
  timeline: z.array(timelineEntrySchema),
};

const completedOutcomeSchema = z
  .object({
    ...common,
    state: z.literal('completed'),
    source: z.object({ width: z.int().min(1), height: z.int().min(1) }),
    result: storedImageSchema,
    thumbnail: storedImageSchema,
    timings: timingsSchema,
  })
  // The keys are read and served: an outcome must not point to the objects of another job, or to records.
  .refine(
    ({ job_id, result, thumbnail }) =>
      result.key.startsWith(resultsPrefix(job_id)) && thumbnail.key.startsWith(thumbnailsPrefix(job_id)),
    'The keys of result and thumbnail must belong to the job.',
  );

const failedOutcomeSchema = z.object({
  ...common,
  state: z.literal('failed'),
  error: failureSchema,
});

/** How a run ended: the object `jobs/{job_id}/runs/{run}/outcome.json`, written once and never changed. */
export const outcomeSchema = z
  .discriminatedUnion('state', [completedOutcomeSchema, failedOutcomeSchema])
  .meta({ id: 'Outcome' });
export type Outcome = z.output<typeof outcomeSchema>;
export type CompletedOutcome = z.output<typeof completedOutcomeSchema>;
export type FailedOutcome = z.output<typeof failedOutcomeSchema>;
