import {
  failureSchema,
  jobIdSchema,
  jobStates,
  timelineEntrySchema,
} from '@image-pipeline/shared/contracts/job.ts';
import { inputTypes, operationsSchema, outputSchema } from '@image-pipeline/shared/contracts/operations.ts';
import { timingsSchema } from '@image-pipeline/shared/contracts/outcome.ts';
import {
  type WebhookAttempt,
  webhookAttemptSchema,
  webhookErrors,
  webhookStates,
  webhookTypes,
} from '@image-pipeline/shared/contracts/webhook.ts';
import type { EarlierRun, JobView } from '@image-pipeline/shared/jobs/job-view.ts';
import { z } from 'zod';
import type { JobEstimate } from '@image-pipeline/shared/jobs/job-estimates.ts';
import type { Links } from './links.ts';

const meanings = Object.entries(webhookErrors).map(([code, meaning]) => `\`${code}\`: ${meaning}`);

const deliverySchema = z
  .object({
    event: z.enum(webhookTypes),
    run: z.int().min(1),
    attempt: z.int().min(1),
    at: z.iso.datetime(),
    state: z.enum(webhookStates).meta({
      description: '`dead`: no more retries; the event is in the queue image.webhooks.dead.',
    }),
    status: z.int().optional().meta({ description: 'HTTP status of the receiver’s response, if any.' }),
    error: webhookAttemptSchema.shape.error.meta({ description: meanings.join(' ') }),
    next_attempt_at: z.iso.datetime().optional().meta({ description: 'Earliest time of the next attempt.' }),
  })
  .meta({ id: 'WebhookDelivery', description: 'One attempt to deliver a webhook.' });

const callbackSchema = z
  .object({
    url: z.string(),
    deliveries: z.array(deliverySchema).optional().meta({
      description: 'Oldest first; missing while the store is unavailable.',
    }),
  })
  .meta({ id: 'Callback', description: 'The requested webhook.' });

/** Undefined if the store did not respond. */
export type Deliveries = readonly WebhookAttempt[] | undefined;

/** The webhook of a job in the response of `/status`. */
function callbackResponse(
  url: string | undefined,
  deliveries: Deliveries,
): { callback?: z.output<typeof callbackSchema> } {
  if (url === undefined) return {};
  if (deliveries === undefined) return { callback: { url } };
  return { callback: { url, deliveries: deliveries.map(deliveryResponse) } };
}

function deliveryResponse(made: WebhookAttempt): z.output<typeof deliverySchema> {
  const { event, run, attempt, at, state, status, error, next_attempt_at } = made;
  return {
    event: event.type,
    run,
    attempt,
    at,
    state,
    ...(status === undefined ? {} : { status }),
    ...(error === undefined ? {} : { error }),
    ...(next_attempt_at === undefined ? {} : { next_attempt_at }),
  };
}

const time = z.iso.datetime();
const side = z.int().min(1).meta({ description: 'pixels' });
const bytes = z.int().min(1).meta({ description: 'bytes' });

const originalSchema = z
  .object({ name: z.string(), size: bytes, content_type: z.enum(inputTypes), url: z.string() })
  .meta({ id: 'Original' });

const resultSchema = z
  .object({
    url: z.string(),
    content_type: z.string(),
    size: bytes,
    width: side,
    height: side,
    sha256: z.string().meta({ description: 'hex' }),
  })
  .meta({ id: 'Result' });

const earlierRunSchema = z
  .object({
    run: z.int().min(1),
    status: z.enum(jobStates),
    finished_at: time.optional(),
    error: failureSchema.optional(),
  })
  .meta({ id: 'EarlierRun' });

export const statusResponseSchema = z
  .object({
    job_id: jobIdSchema,
    status: z.enum(jobStates),
    run: z.int().min(1).meta({ description: 'Starts at 1; each replay increments it.' }),
    attempt: z.int().min(1).meta({ description: 'The newest attempt of this run.' }),
    submitted_at: time,
    updated_at: time,
    queue_position: z.int().min(1).nullable().optional().meta({
      description:
        'Position in the queue; 1 is next. Null if the job is not in the queue or the position is unknown.',
    }),
    eta_seconds: z.number().min(0).nullable().optional().meta({
      description:
        'Estimated time until the job ends, from the jobs ahead of it and the recent throughput; null if unknown, e.g. while there is no worker.',
    }),
    original: originalSchema,
    operations: operationsSchema,
    output: outputSchema,
    read_from: z.enum(['event_log', 'store']).meta({
      description: 'Where this is from: the event log, or the store for jobs that are no longer in it.',
    }),
    timeline: z.array(timelineEntrySchema).meta({ description: 'State changes of this run, oldest first.' }),
    result: resultSchema.optional(),
    source: z
      .object({ width: side, height: side })
      .optional()
      .meta({ description: 'Size of the decoded original.' }),
    thumbnail_url: z.string().optional(),
    timings: timingsSchema.optional(),
    error: failureSchema.optional(),
    callback: callbackSchema.optional(),
    runs: z.array(earlierRunSchema).meta({ description: 'Earlier runs, oldest first.' }),
  })
  .meta({ id: 'JobStatus' });

export type StatusResponse = z.output<typeof statusResponseSchema>;

/** Data of the response besides the job itself. */
export interface StatusContext {
  readonly deliveries: Deliveries;
  readonly readFrom: StatusResponse['read_from'];
  /** Undefined once the job has ended. */
  readonly estimate: JobEstimate | undefined;
  readonly links: Links;
}

/** The response of `/status`. */
export function statusResponse(
  view: JobView,
  { deliveries, readFrom, estimate, links }: StatusContext,
): StatusResponse {
  const { request } = view;
  const { name, size, content_type } = request.original;
  return {
    job_id: request.job_id,
    status: view.state,
    run: request.run,
    attempt: view.attempt,
    submitted_at: request.submitted_at,
    updated_at: updatedAt(view),
    ...estimate,
    original: { name, size, content_type, url: links.original(request.job_id) },
    operations: request.operations,
    output: request.output,
    read_from: readFrom,
    timeline: [...view.timeline],
    ...endOf(view, links),
    ...callbackResponse(request.callback_url, deliveries),
    runs: view.earlierRuns.map(earlierRunResponse),
  };
}

export function updatedAt(view: JobView): string {
  return view.outcome?.finished_at ?? view.timeline.at(-1)?.at ?? view.request.submitted_at;
}

function endOf({ request, outcome }: JobView, links: Links): Partial<StatusResponse> {
  if (outcome === undefined) return {};
  if (outcome.state === 'failed') return { error: outcome.error };
  const { content_type, size, width, height, sha256 } = outcome.result;
  return {
    result: { url: links.result(request.job_id), content_type, size, width, height, sha256 },
    source: outcome.source,
    thumbnail_url: links.thumbnail(request.job_id),
    timings: outcome.timings,
  };
}

function earlierRunResponse({ run, state, finished_at, error }: EarlierRun) {
  return {
    run,
    status: state,
    ...(finished_at === undefined ? {} : { finished_at }),
    ...(error === undefined ? {} : { error }),
  };
}
