import { type JobEvent, queuedEvent } from '@image-pipeline/shared/contracts/event.ts';
import { type JobRequest, terminalStates } from '@image-pipeline/shared/contracts/job.ts';
import type { JobView } from '@image-pipeline/shared/jobs/job-view.ts';
import { type JobPage, LiveView } from '@image-pipeline/shared/jobs/live-view.ts';
import { untilAborted } from '@image-pipeline/shared/waiting.ts';

/**
 * The newest jobs of the event log, and a way to wait for the end of one. Events are hints: anyone who can publish can claim
 * anything about a job. `isStored` tells which views need to be compared with the store before they are shown.
 */
export class FollowedJobs {
  readonly #view: LiveView;
  /** Who waits for the end of each job. Sets, because thousands may leave at the same moment. */
  readonly #waiting = new Map<string, Set<() => void>>();
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
  }

  apply(event: JobEvent): void {
    const { view, changed } = this.#view.apply(event);
    if (changed) this.#changed(view);
  }

  #changed(view: JobView): void {
    this.#onChange(view);
    if (!hasEnded(view)) return;
    for (const resolve of this.#waiting.get(view.request.job_id) ?? []) resolve();
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

  /** Resolves when the job ends the next time; rejects when `signal` aborts. */
  async nextEnd(jobId: string, signal: AbortSignal): Promise<void> {
    const { promise: ended, resolve } = Promise.withResolvers<undefined>();
    const wake = () => resolve(undefined);
    const waiting = this.#waiting.get(jobId) ?? new Set();
    this.#waiting.set(jobId, waiting.add(wake));
    try {
      await untilAborted(ended, signal);
    } finally {
      waiting.delete(wake);
      if (waiting.size === 0) this.#waiting.delete(jobId);
    }
  }

  /** How many callers wait for the end of a job. */
  get waiting(): number {
    return [...this.#waiting.values()].reduce((sum, { size }) => sum + size, 0);
  }
}

export function hasEnded(view: JobView): boolean {
  return terminalStates.includes(view.state);
}
