import { queuedEvent, type JobEvent } from '@image-pipeline/shared/contracts/event.ts';
import { placeInRun, timelineEntryOf } from '@image-pipeline/shared/contracts/job-order.ts';
import { queuedEntry, terminalStates, type TimelineEntry } from '@image-pipeline/shared/contracts/job.ts';
import type { JobView } from '@image-pipeline/shared/jobs/job-view.ts';

/** A run has far fewer attempts, so its places end before those of the next run start. */
const PLACES_OF_A_RUN = 2 ** 20;

/** The place of an unknown job: before all others. */
export const NOWHERE = -1;

/**
 * The events to send to subscribers for an event of the log: the event, nothing, or, if `started` overtook `queued`
 * in the log, `queued` first. A `queued` event has the same id in every service that creates it, and the one in the log is then
 * skipped because its place has been passed.
 *
 * @param before the state of the job until now
 * @param knownBefore whether the job may be too old to be remembered: then its `queued` event was sent long ago
 */
export function dueEvents(
  before: JobView | undefined,
  event: JobEvent,
  knownBefore: boolean,
): readonly JobEvent[] {
  if (placeOfEvent(event) <= placeOfView(before)) return [];
  const { request } = event.data;
  const isRunKnown = before === undefined ? knownBefore : before.request.run === request.run;
  return isRunKnown || event.type === 'job.queued' ? [event] : [queuedEvent(request), event];
}

/**
 * The place of an event in the life of its job: by run and `placeInRun`. All ends of a run share its last place, so
 * that nothing follows the first of them.
 */
export function placeOfEvent(event: JobEvent): number {
  return placeOf(timelineEntryOf(event));
}

/** The place of the event that led to the current state. */
export function placeOfView(view: JobView | undefined): number {
  if (view === undefined) return NOWHERE;
  const { request, state, attempt, timeline } = view;
  const newest = timeline.at(-1) ?? queuedEntry(request);
  return placeOf(view.outcome === undefined ? newest : { ...newest, state, attempt });
}

function placeOf(entry: TimelineEntry): number {
  const last = PLACES_OF_A_RUN - 1;
  const place = terminalStates.some((state) => state === entry.state) ? last : placeInRun(entry);
  return entry.run * PLACES_OF_A_RUN + Math.min(place, last);
}
