import type { JobEvent } from '../contracts/event.ts';
import { jobStateAfter, placeInRun, timelineEntryOf, withEntry } from '../contracts/job-order.ts';
import {
  queuedEntry,
  terminalStates,
  type Failure,
  type JobRequest,
  type JobState,
  type TimelineEntry,
} from '../contracts/job.ts';
import type { Outcome } from '../contracts/outcome.ts';

/** A run that was followed by another one. */
export interface EarlierRun {
  readonly run: number;
  readonly state: JobState;
  readonly finished_at: string | undefined;
  readonly error: Failure | undefined;
}

/** The current state of a job: its newest run, and the outcomes of earlier runs, oldest first. */
export interface JobView {
  readonly request: JobRequest;
  readonly attempt: number;
  readonly state: JobState;
  /** The timeline of the newest run. */
  readonly timeline: readonly TimelineEntry[];
  readonly outcome: Outcome | undefined;
  readonly earlierRuns: readonly EarlierRun[];
}

/**
 * Applies an event to the state of a job. Events are ordered by run and `placeInRun`, never by arrival: a duplicate
 * changes nothing, a late event adds its timeline entry but does not revert the state, and nothing changes a finished
 * run. Returns the same object if nothing changed.
 */
export function applyEvent(view: JobView | undefined, event: JobEvent): JobView {
  const { request } = event.data;
  if (view === undefined) return advance(newRun(request, []), event);
  if (request.run < view.request.run) return view;
  if (request.run > view.request.run) {
    return advance(newRun(request, [...view.earlierRuns, summaryOf(view)]), event);
  }
  if (terminalStates.includes(view.state)) return view;
  return advance(view, event);
}

/** A job as recorded in the store; `earlier` are the outcomes of earlier runs. */
export function viewOfStored(
  request: JobRequest,
  outcome: Outcome | undefined,
  earlier: readonly EarlierRun[],
): JobView {
  const accepted = newRun(request, earlier);
  if (outcome === undefined) return accepted;
  const { attempt, state, timeline } = outcome;
  return { ...accepted, attempt, state, timeline, outcome };
}

export function earlierRunOf(run: number, outcome: Outcome | undefined): EarlierRun {
  return {
    run,
    state: outcome?.state ?? 'queued',
    finished_at: outcome?.finished_at,
    error: outcome?.state === 'failed' ? outcome.error : undefined,
  };
}

/** A run that was accepted, without further events. */
function newRun(request: JobRequest, earlierRuns: readonly EarlierRun[]): JobView {
  return {
    request,
    attempt: 1,
    state: 'queued',
    timeline: [queuedEntry(request)],
    outcome: undefined,
    earlierRuns,
  };
}

function summaryOf(view: JobView): EarlierRun {
  return { ...earlierRunOf(view.request.run, view.outcome), state: view.state };
}

function advance(view: JobView, event: JobEvent): JobView {
  if (event.type === 'job.completed' || event.type === 'job.failed') {
    const { outcome } = event.data;
    const { attempt, state } = outcome;
    return { ...view, attempt, state, timeline: withEarlierDeliveries(outcome, view.timeline), outcome };
  }
  const timeline = withEntry(view.timeline, timelineEntryOf(event));
  if (timeline === view.timeline) return view;
  const newest = timeline.at(-1);
  return newest === undefined
    ? view
    : { ...view, attempt: newest.attempt, state: jobStateAfter(newest.state), timeline };
}

/**
 * The timeline of an outcome. The worker that finished the job does not know which workers had it before, so they are
 * taken from the events.
 * @param known the timeline of the same run by its events
 */
export function withEarlierDeliveries(
  { attempt: last, timeline }: Outcome,
  known: readonly TimelineEntry[],
): readonly TimelineEntry[] {
  const places = new Set(timeline.map(placeInRun));
  return known
    .filter(({ state, attempt }) => attempt <= last && (state === 'processing' || state === 'redelivered'))
    .filter((entry) => !places.has(placeInRun(entry)))
    .reduce(withEntry, timeline);
}
