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
  completed: 3,
  failed: 3,
};
const PLACES_PER_ATTEMPT = 8;
/** Deliveries of one attempt that are distinguished; the delivery limit of the job queue is far below. */
const MAX_DELIVERIES = 400;

/** An entry of a timeline, as far as its place depends on it. */
type Placed = Pick<TimelineEntry, 'attempt' | 'state' | 'delivery' | 'redelivered'>;

/**
 * The place of an entry in the order of a run, by (attempt, rank, delivery): events are ordered by it, never by arrival.
 * The fraction is the delivery, so that whole numbers have the same meaning as before redeliveries were distinguished.
 */
export function placeInRun({ attempt, state, delivery, redelivered }: Placed): number {
  // Before they carried their number, redelivered starts were only marked.
  const number = Math.min(delivery ?? (redelivered === true ? 2 : 1), MAX_DELIVERIES);
  const steps = ranks[state] === ranks.processing ? 2 * (number - 1) - Number(state === 'redelivered') : 0;
  return attempt * PLACES_PER_ATTEMPT + ranks[state] + steps / (2 * MAX_DELIVERIES);
}

/** The attempt of a place. */
export function attemptOfPlace(place: number): number {
  return Math.floor(place / PLACES_PER_ATTEMPT);
}

/** The state of a job whose newest timeline entry has this state: a job that was redelivered is with its worker. */
export function jobStateAfter(state: TimelineState): JobState {
  return state === 'redelivered' ? 'processing' : state;
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
    case 'job.completed':
    case 'job.failed': {
      const { outcome } = event.data;
      const error = outcome.state === 'failed' ? { error: outcome.error } : {};
      return { state: outcome.state, ...entry, worker: outcome.worker, ...error };
    }
  }
}
