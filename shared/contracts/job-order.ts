import type { JobState } from './job.ts';

/** The order of states within an attempt. This module loads nothing, so that the web page can share it. */
const ranks: Readonly<Record<JobState, number>> = {
  queued: 0,
  processing: 1,
  retrying: 2,
  completed: 3,
  failed: 3,
};
const PLACES_PER_ATTEMPT = 8;

/** The place of a state in the order of a run, by (attempt, rank): events are ordered by it, never by arrival. */
export function placeInRun(attempt: number, state: JobState): number {
  return attempt * PLACES_PER_ATTEMPT + ranks[state];
}

/** The attempt of a place. */
export function attemptOfPlace(place: number): number {
  return Math.floor(place / PLACES_PER_ATTEMPT);
}
