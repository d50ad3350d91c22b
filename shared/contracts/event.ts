import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import {
  failureSchema,
  jobIdSchema,
  jobRequestSchema,
  postponementSchema,
  redeliverySchema,
  slotSchema,
  type JobRequest,
  type TimelineEntry,
} from './job.ts';
import { outcomeSchema, type Outcome } from './outcome.ts';

/**
 * The messages of `image.events`: CloudEvents 1.0 in JSON. Every job event carries the whole request, so that a consumer
 * can start at any event. The events of a job are ordered by run and `placeInRun`, never by arrival, because api and workers
 * publish independently.
 */
const runData = {
  job_id: jobIdSchema,
  run: z.int().min(1),
  attempt: z.int().min(1),
  request: jobRequestSchema,
};

interface OfRun {
  readonly job_id: string;
  readonly run: number;
}

/** Whether all parts of an event are about the same run. */
function isOfOneRun(event: OfRun & { readonly request: OfRun; readonly outcome?: OfRun }): boolean {
  const { request, outcome = request } = event;
  return [request, outcome].every(({ job_id, run }) => job_id === event.job_id && run === event.run);
}

const MIXED = 'All parts of an event must be about the same run.';

function cloudEvent<Type extends string, Data extends z.ZodType>(type: Type, data: Data) {
  return z
    .object({
      specversion: z.literal('1.0'),
      id: z.string(),
      source: z.string(),
      type: z.literal(type),
      subject: z.string(),
      time: z.iso.datetime(),
      datacontenttype: z.literal('application/json'),
      data,
    })
    .meta({ id: type });
}

export const jobEventSchemas = {
  'job.queued': cloudEvent('job.queued', z.object(runData).refine(isOfOneRun, MIXED)),
  'job.started': cloudEvent(
    'job.started',
    z
      .object({
        ...runData,
        worker: z.string(),
        slot: slotSchema.optional(),
        redelivered: z.boolean().optional(),
        delivery: redeliverySchema.optional(),
      })
      .refine(isOfOneRun, MIXED),
  ),
  /** Published by the worker that received the job, before its `job.started`. */
  'job.redelivered': cloudEvent(
    'job.redelivered',
    z
      .object({ ...runData, worker: z.string(), delivery: redeliverySchema, reason: z.string() })
      .refine(isOfOneRun, MIXED),
  ),
  'job.retrying': cloudEvent(
    'job.retrying',
    z
      .object({ ...runData, worker: z.string(), error: failureSchema, retry_at: z.iso.datetime() })
      .refine(isOfOneRun, MIXED),
  ),
  /** Published by a worker that returned the job to a retry queue before it started the next attempt. */
  'job.postponed': cloudEvent(
    'job.postponed',
    z
      .object({
        ...runData,
        worker: z.string(),
        postponement: postponementSchema,
        reason: z.string(),
        retry_at: z.iso.datetime(),
      })
      .refine(isOfOneRun, MIXED),
  ),
  'job.completed': cloudEvent(
    'job.completed',
    z.object({ ...runData, outcome: outcomeSchema }).refine(isOfOneRun, MIXED),
  ),
  'job.failed': cloudEvent(
    'job.failed',
    z.object({ ...runData, outcome: outcomeSchema }).refine(isOfOneRun, MIXED),
  ),
} as const;

/** A reader of the event log publishes one when it attaches; once it has read its own, it has caught up. */
const followingEventSchema = cloudEvent(
  'service.following',
  z.object({ service: z.string(), instance: z.string() }),
);

/** A worker publishes one each time it starts to consume jobs. */
const consumingEventSchema = cloudEvent(
  'worker.consuming',
  z.object({ worker: z.string(), slots: z.int().min(1) }),
);

export const jobEventSchema = z.discriminatedUnion('type', [
  jobEventSchemas['job.queued'],
  jobEventSchemas['job.started'],
  jobEventSchemas['job.redelivered'],
  jobEventSchemas['job.retrying'],
  jobEventSchemas['job.postponed'],
  jobEventSchemas['job.completed'],
  jobEventSchemas['job.failed'],
]);
export const pipelineEventSchema = z.discriminatedUnion('type', [
  jobEventSchema,
  followingEventSchema,
  consumingEventSchema,
]);

export type JobEvent = z.output<typeof jobEventSchema>;
type JobEventType = JobEvent['type'];
export type FollowingEvent = z.output<typeof followingEventSchema>;
export type ConsumingEvent = z.output<typeof consumingEventSchema>;
export type PipelineEvent = z.output<typeof pipelineEventSchema>;

export function isJobEvent(event: PipelineEvent): event is JobEvent {
  return Object.hasOwn(jobEventSchemas, event.type);
}

/** @param slots jobs that the worker processes at a time */
export function consumingEvent(worker: string, slots: number): ConsumingEvent {
  return {
    specversion: '1.0',
    id: uuidv7(),
    source: `/image-pipeline/worker/${worker}`,
    type: 'worker.consuming',
    subject: worker,
    time: new Date().toISOString(),
    datacontenttype: 'application/json',
    data: { worker, slots },
  };
}

function jobEnvelope<Type extends JobEventType>(
  type: Type,
  source: string,
  time: string,
  request: JobRequest,
  attempt: number,
  count = 1,
) {
  const number = count === 1 ? '' : `/${count}`;
  return {
    specversion: '1.0',
    id: `${request.job_id}/${request.run}/${attempt}/${type}${number}`,
    source,
    type,
    subject: request.job_id,
    time,
    datacontenttype: 'application/json',
  } as const;
}

/** The event of an accepted run. It depends only on the request, so a reader can reconstruct it. */
export function queuedEvent(request: JobRequest): JobEvent {
  return {
    ...jobEnvelope('job.queued', '/image-pipeline/api', request.submitted_at, request, 1),
    data: { job_id: request.job_id, run: request.run, attempt: 1, request },
  };
}

/** @param count distinguishes events of the same type and attempt */
function workerEvent<Type extends JobEventType, Data extends object>(
  type: Type,
  request: JobRequest,
  attempt: number,
  { worker, at, ...data }: Data & { readonly worker: string; readonly at: string },
  count?: number,
) {
  return {
    ...jobEnvelope(type, `/image-pipeline/worker/${worker}`, at, request, attempt, count),
    data: { job_id: request.job_id, run: request.run, attempt, request, worker, ...data },
  };
}

/** @param more the slot, and the delivery of a redelivered job */
export function startedEvent(
  request: JobRequest,
  attempt: number,
  worker: string,
  at: string,
  more: Pick<TimelineEntry, 'slot' | 'redelivered' | 'delivery'> = {},
): JobEvent {
  return workerEvent('job.started', request, attempt, { worker, at, ...more }, more.delivery);
}

/** @param redelivery the worker that received the job, the number of the delivery (from 2), and why it was needed */
export function redeliveredEvent(
  request: JobRequest,
  attempt: number,
  redelivery: { worker: string; at: string; delivery: number; reason: string },
): JobEvent {
  const { worker, at, delivery, reason } = redelivery;
  return workerEvent('job.redelivered', request, attempt, { worker, at, delivery, reason }, delivery);
}

export function retryingEvent(
  request: JobRequest,
  attempt: number,
  hop: { worker: string; at: string; retry_at: string; error: { code: string; reason: string } },
): JobEvent {
  const { worker, at, retry_at, error } = hop;
  return workerEvent('job.retrying', request, attempt, { worker, at, error, retry_at });
}

/** @param attempt after which the job waits */
export function postponedEvent(
  request: JobRequest,
  attempt: number,
  wait: { worker: string; at: string; retry_at: string; postponement: number; reason: string },
): JobEvent {
  const { worker, at, retry_at, postponement, reason } = wait;
  const data = { worker, at, postponement, reason, retry_at };
  return workerEvent('job.postponed', request, attempt, data, postponement);
}

/** `job.completed` or `job.failed`, depending on the outcome. */
export function endedEvent(request: JobRequest, outcome: Outcome): JobEvent {
  const { state, worker, finished_at, attempt } = outcome;
  const source = `/image-pipeline/worker/${worker}`;
  return {
    ...jobEnvelope(`job.${state}`, source, finished_at, request, attempt),
    data: { job_id: request.job_id, run: request.run, attempt, request, outcome },
  };
}
