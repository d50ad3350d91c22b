import type { JobEvent } from '../../../../shared/contracts/event.ts';
import {
  jobStateAfter,
  placeInRun,
  type Placed,
  timelineEntryOf,
  withEntry,
} from '../../../../shared/contracts/job-order.ts';
import type { Failure, JobState, TimelineEntry } from '../../../../shared/contracts/job.ts';
import type { Operation } from '../../../../shared/contracts/operations.ts';

/** In the order of a job’s life. The contracts’ own list would load zod. */
export const jobStates = [
  'queued',
  'processing',
  'retrying',
  'completed',
  'failed',
] as const satisfies readonly JobState[];

/** What the page knows of a job: from its events, and from lists and statuses that it has read. */
export interface Job {
  readonly id: string;
  readonly state: JobState;
  readonly run: number;
  readonly attempt: number;
  readonly submittedAt: string;
  readonly updatedAt: string;
  /** When the newest attempt started. */
  readonly startedAt?: string | undefined;
  readonly worker?: string | undefined;
  /** The slot of its worker, from 1. */
  readonly slot?: number | undefined;
  readonly redelivered?: boolean | undefined;
  readonly delivery?: number | undefined;
  readonly postponement?: number | undefined;
  /** When a retrying job returns to its queue. */
  readonly retryAt?: string | undefined;
  readonly error?: Failure | undefined;
  /** Unknown until an event or the list of jobs names them. */
  readonly name?: string | undefined;
  readonly size?: number | undefined;
  readonly contentType?: string | undefined;
  readonly operations?: readonly Operation[] | undefined;
  readonly steps: readonly TimelineEntry[];
}

/** A job in a list, which lacks fields that only events have. */
export type ListedJob = Omit<
  Job,
  'steps' | 'operations' | 'contentType' | 'redelivered' | 'delivery' | 'postponement'
>;

/** Events of a job are ordered by run and by place in the run, never by arrival. Negative if `a` comes first. */
function compare(a: Placed & { readonly run: number }, b: Placed & { readonly run: number }): number {
  return a.run - b.run || placeInRun(a) - placeInRun(b);
}

/** The job after an event. An event may arrive again, or after a list that is newer: both change nothing. */
export function applyEvent(known: Job | undefined, event: JobEvent): Job {
  const step = timelineEntryOf(event);
  const { request } = event.data;
  const about = {
    id: request.job_id,
    submittedAt: request.submitted_at,
    name: request.original.name,
    size: request.original.size,
    contentType: request.original.content_type,
    operations: request.operations,
  };
  const before = known?.run === step.run ? known : undefined;
  const steps = withEntry(before?.steps ?? [], step);
  if (known !== undefined && compare(known, step) > 0) {
    if (before === undefined) return { ...known, ...about };
    const isRetry = step.state === 'retrying' && known.state === 'retrying' && known.attempt === step.attempt;
    return { ...known, ...about, ...(isRetry ? { worker: step.worker, error: step.error } : {}), steps };
  }
  // A postponed job has the error and the worker of its failed attempt; a list may know them without its event.
  const retry = steps.findLast(({ state, attempt }) => state === 'retrying' && attempt === step.attempt);
  const { worker, error } = step.state === 'postponed' ? (retry ?? before ?? {}) : step;
  const start = steps.findLast(({ state }) => state === 'processing');
  return {
    ...about,
    startedAt: start?.at ?? known?.startedAt,
    slot: start === undefined ? known?.slot : start.slot,
    state: jobStateAfter(step.state),
    run: step.run,
    attempt: step.attempt,
    updatedAt: step.at,
    worker,
    redelivered: step.state === 'redelivered' || step.redelivered,
    delivery: step.delivery,
    postponement: step.postponement,
    retryAt: step.retry_at,
    error,
    steps,
  };
}

/** The job after a list of jobs. */
export function applyListed(known: Job | undefined, listed: ListedJob): Job {
  if (known === undefined) return { ...listed, steps: [] };
  if (compare(known, listed) >= 0) return { ...listed, ...known };
  return { ...known, ...listed, redelivered: undefined, delivery: undefined, postponement: undefined };
}
