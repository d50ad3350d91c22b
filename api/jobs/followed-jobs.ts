import { EventEmitter } from 'node:events';
import { type JobEvent, queuedEvent } from '@image-pipeline/shared/contracts/event.ts';
import { type JobRequest, terminalStates } from '@image-pipeline/shared/contracts/job.ts';
import type { JobView } from '@image-pipeline/shared/jobs/job-view.ts';
import { type JobPage, LiveView } from '@image-pipeline/shared/jobs/live-view.ts';

/**
 * The newest jobs of the event log. Events are hints: anyone who can publish can claim
 * anything about a job. `isStored` tells which views need to be compared with the store before they are shown.
 */
export class FollowedJobs {
  /** Emits the id of each job that ends. */
  readonly ends = new EventEmitter();
  readonly #view: LiveView;
  readonly #onChange: (view: JobView) => void;
  /** The requests, outcomes and earlier runs in views that come from the store. Records never change. */
  readonly #stored = new WeakSet<object>();

  /**
   * @param capacity how many of the newest jobs to remember
   * @param onChange called for every change of a job
   */
  constructor(capacity: number, onChange: (view: JobView) => void = () => undefined) {
    this.#view = new LiveView(capacity);
    this.#onChange = onChange;
    // Any number of clients may wait for the same job.
    this.ends.setMaxListeners(0);
  }

  apply(event: JobEvent): void {
    const { view, changed } = this.#view.apply(event);
    if (changed) this.#changed(view);
  }

  #changed(view: JobView): void {
    this.#onChange(view);
    if (hasEnded(view)) this.ends.emit(view.request.job_id);
  }

  /** This replica has just stored and published the request. */
  queued(request: JobRequest): void {
    this.#stored.add(request);
    this.apply(queuedEvent(request));
  }

  /**
   * Replaces the view `seen`, unless an event has changed it since; its records count as stored in any case.
   * @param stored the job as the store has it, with what the events add to an open run; undefined if there is no such job
   */
  correct(seen: JobView, stored: JobView | undefined): void {
    if (stored !== undefined) {
      for (const record of [stored.request, stored.earlierRuns, stored.outcome]) {
        if (record !== undefined) this.#stored.add(record);
      }
    }
    const { job_id } = seen.request;
    if (this.#view.get(job_id) !== seen) return;
    this.#view.correct(job_id, stored);
    if (stored !== undefined && stored.state !== seen.state) this.#changed(stored);
  }

  /** Whether the run of the view is in the store as shown. */
  isStoredRun({ request, earlierRuns }: JobView): boolean {
    return this.#stored.has(request) && (request.run === 1 || this.#stored.has(earlierRuns));
  }

  /** The same, and also its end, if it has ended. */
  isStored(view: JobView): boolean {
    const { outcome } = view;
    return this.isStoredRun(view) && (outcome === undefined || this.#stored.has(outcome));
  }

  get(jobId: string): JobView | undefined {
    return this.#view.get(jobId);
  }

  list(options: Parameters<LiveView['list']>[0]): JobPage {
    return this.#view.list(options);
  }

  /** The event log is read from its start again: forgets everything. */
  forget(): void {
    this.#view.clear();
  }
}

export function hasEnded(view: JobView): boolean {
  return terminalStates.includes(view.state);
}
