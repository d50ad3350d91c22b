import type { ErrorCode } from '../errors.ts';
import type { JobEvent } from './event.ts';
import type { JobState, TimelineEntry, TimelineState } from './job.ts';

/**
 * The order of states within an attempt. This module loads nothing, so that the web page can share it. A redelivery is
 * followed by the start on the worker that received the job.
 */
const ranks: Readonly<Record<TimelineState, number>> = {
  queued: 0,
  redelivered: 1,
  processing: 1,
  retrying: 2,
  postponed: 2,
  completed: 3,
  failed: 3,
};
const PLACES_PER_ATTEMPT = 8;
/** Deliveries of one attempt that are distinguished; the delivery limit of the job queue is far below. */
const MAX_DELIVERIES = 400;

/** Why a worker postpones a job that it does not start. */
export const POSTPONED_BECAUSE = 'The image exceeded a limit on this worker, so another worker is to try it.';

/** The error of an attempt that ended because its image is slow. It counts neither as a limit nor as a failure. */
export const SLOW_IMAGE = 'slow_image' satisfies ErrorCode;

/** Limits that the same bytes are likely to exceed again. */
const limitErrors: ReadonlySet<string> = new Set<ErrorCode>(['deadline_exceeded', 'memory_exceeded']);

type Attempted = Pick<TimelineEntry, 'error'>;

/** Whether an attempt exceeded its time or memory limit. */
export function hasExceededLimit({ error }: Attempted): boolean {
  return error !== undefined && limitErrors.has(error.code);
}

/** Whether a job belongs in the queue for slow images: its image turned out to be slow, or an attempt exceeded a limit. */
export function isSlowJob(timeline: readonly Attempted[]): boolean {
  return timeline.some((entry) => entry.error?.code === SLOW_IMAGE || hasExceededLimit(entry));
}

/** An entry of a timeline, as far as its place depends on it. */
export type Placed = Pick<TimelineEntry, 'attempt' | 'state' | 'delivery' | 'redelivered' | 'postponement'>;

/**
 * The place of an entry in the order of a run, by (attempt, rank, delivery or postponement): events are ordered by it, never
 * by arrival. The fraction is the delivery or the postponement, so that whole numbers have the same meaning as before these
 * were distinguished.
 */
export function placeInRun({ attempt, state, delivery, redelivered, postponement = 0 }: Placed): number {
  // Before they carried their number, redelivered starts were only marked.
  const number = Math.min(delivery ?? (redelivered === true ? 2 : 1), MAX_DELIVERIES);
  const steps = ranks[state] === ranks.processing ? 2 * (number - 1) - Number(state === 'redelivered') : 0;
  const fraction = steps / (2 * MAX_DELIVERIES) + postponement / (postponement + 1);
  return attempt * PLACES_PER_ATTEMPT + ranks[state] + fraction;
}

/** The attempt of a place. */
export function attemptOfPlace(place: number): number {
  return Math.floor(place / PLACES_PER_ATTEMPT);
}

/**
 * The state of a job whose newest timeline entry has this state: a job that was redelivered is with its worker, and one that
 * was postponed still waits for its retry.
 */
export function jobStateAfter(state: TimelineState): JobState {
  if (state === 'redelivered') return 'processing';
  return state === 'postponed' ? 'retrying' : state;
}

/**
 * The delay of the retry queue in which a job waits: the one that comes closest to the time until its return. It is not always
 * that of the attempt, because a job may be postponed.
 * @param waitMs from the event to the return that it names
 */
export function closestDelay<Delay>(
  waitMs: number,
  delays: readonly Delay[],
  msOf: (delay: Delay) => number,
): Delay | undefined {
  const distance = (delay: Delay) => Math.abs(msOf(delay) - waitMs);
  return delays.toSorted((one, other) => distance(one) - distance(other))[0];
}

/**
 * The timeline with this entry in its place; the same object if it is there already. Of the postponements of an attempt, it
 * has only the newest, because there may be hundreds.
 */
export function withEntry(
  timeline: readonly TimelineEntry[],
  entry: TimelineEntry,
): readonly TimelineEntry[] {
  const place = placeInRun(entry);
  if (entry.state === 'postponed') {
    const other = timeline.find(({ state, attempt }) => state === 'postponed' && attempt === entry.attempt);
    if (other !== undefined) {
      return placeInRun(other) < place ? timeline.with(timeline.indexOf(other), entry) : timeline;
    }
  }
  const index = timeline.findIndex((known) => placeInRun(known) >= place);
  const known = index === -1 ? undefined : timeline[index];
  if (known === undefined) return [...timeline, entry];
  const isKnown = placeInRun(known) === place;
  // RabbitMQ 4.3 gives a job that was handed back twice the same delivery number: the newer start is the one that counts.
  const isNewerStart = isKnown && jobStateAfter(entry.state) === 'processing' && entry.at > known.at;
  if (isKnown && !isNewerStart) return timeline;
  return timeline.toSpliced(index, isKnown ? 1 : 0, entry);
}

/** The timeline entry of an event. */
export function timelineEntryOf(event: JobEvent): TimelineEntry {
  const { run, attempt } = event.data;
  const entry = { at: event.time, run, attempt };
  switch (event.type) {
    case 'job.queued':
      return { state: 'queued', ...entry };
    case 'job.redelivered': {
      const { worker, delivery, reason } = event.data;
      return { state: 'redelivered', ...entry, worker, delivery, reason };
    }
    case 'job.started': {
      const { worker, slot, redelivered, delivery } = event.data;
      return {
        state: 'processing',
        ...entry,
        worker,
        ...(slot === undefined ? {} : { slot }),
        ...(redelivered === undefined ? {} : { redelivered }),
        ...(delivery === undefined ? {} : { delivery }),
      };
    }
    case 'job.retrying': {
      const { worker, error, retry_at } = event.data;
      return { state: 'retrying', ...entry, worker, error, retry_at };
    }
    case 'job.postponed': {
      const { worker, postponement, reason, retry_at } = event.data;
      return { state: 'postponed', ...entry, worker, postponement, reason, retry_at };
    }
    case 'job.completed':
    case 'job.failed': {
      const { outcome } = event.data;
      const error = outcome.state === 'failed' ? { error: outcome.error } : {};
      return { state: outcome.state, ...entry, worker: outcome.worker, ...error };
    }
  }
}
