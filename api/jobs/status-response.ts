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
import type { JobEstimate } from './job-estimates.ts';
import type { Links } from './links.ts';

const meanings = Object.entries(webhookErrors).map(([code, meaning]) => `\`${code}\`: ${meaning}`);

const deliverySchema = z
  .object({
    event: z.enum(webhookTypes),
    run: z.int().min(1),
    attempt: z.int().min(1),
    at: z.iso.datetime(),
    state: z.enum(webhookStates).meta({
      description: '`dead`: given up; the event lies in RabbitMQ’s queue image.webhooks.dead.',
    }),
    status: z.int().optional().meta({ description: 'HTTP status of the receiver’s answer, if one came.' }),
    error: webhookAttemptSchema.shape.error.meta({ description: meanings.join(' ') }),
    next_attempt_at: z.iso.datetime().optional().meta({ description: 'Not before this.' }),
  })
  .meta({ id: 'WebhookDelivery', description: 'One attempt to deliver a webhook.' });

const callbackSchema = z
  .object({
    url: z.string(),
    deliveries: z.array(deliverySchema).optional().meta({
      description: 'Oldest first; missing while the store does not answer.',
    }),
  })
  .meta({ id: 'Callback', description: 'The webhook that was asked for.' });

/** Undefined where the store did not tell. */
export type Deliveries = readonly WebhookAttempt[] | undefined;

/** What `/status` answers about the webhook of a job. */
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

export const originalSchema = z
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
    run: z.int().min(1).meta({ description: '1, and one more each time the job is replayed.' }),
    attempt: z.int().min(1).meta({ description: 'The newest attempt of this run.' }),
    submitted_at: time,
    updated_at: time,
    queue_position: z.int().min(1).nullable().optional().meta({
      description:
        'Of a job that has not ended: 1 is the next one that a worker takes; null while it does not stand in the queue, and where nothing is known.',
    }),
    eta_seconds: z.number().min(0).nullable().optional().meta({
      description:
        'An estimate of when the job has ended, by those before it and by how fast jobs ended lately; null where nothing is known, such as while no worker is there.',
    }),
    original: originalSchema,
    operations: operationsSchema,
    output: outputSchema,
    timeline: z.array(timelineEntrySchema).meta({ description: 'Hops of this run, oldest first.' }),
    result: resultSchema.optional(),
    source: z.object({ width: side, height: side }).optional().meta({ description: 'The decoded original.' }),
    thumbnail_url: z.string().optional(),
    timings: timingsSchema.optional(),
    error: failureSchema.optional(),
    callback: callbackSchema.optional(),
    runs: z.array(earlierRunSchema).meta({ description: 'How earlier runs ended, oldest first.' }),
  })
  .meta({ id: 'JobStatus' });

export type StatusResponse = z.output<typeof statusResponseSchema>;

/** What is known of a job beside its view. */
export interface StatusContext {
  readonly deliveries: Deliveries;
  /** Undefined once the job has ended. */
  readonly estimate: JobEstimate | undefined;
  readonly links: Links;
}

/** What `/status` answers about a job. */
export function statusResponse(
  view: JobView,
  { deliveries, estimate, links }: StatusContext,
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
