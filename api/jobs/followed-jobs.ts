import type { JobEvent } from '@image-pipeline/shared/contracts/event.ts';
import { terminalStates } from '@image-pipeline/shared/contracts/job.ts';
import type { JobView } from '@image-pipeline/shared/jobs/job-view.ts';
import { type JobPage, LiveView } from '@image-pipeline/shared/jobs/live-view.ts';
import { untilAborted } from '@image-pipeline/shared/waiting.ts';

/** The newest jobs of the event log, and a way to wait for the end of one. */
export class FollowedJobs {
  readonly #view: LiveView;
  /** Who waits for the end of each job. Sets, because thousands may leave at the same moment. */
  readonly #waiting = new Map<string, Set<() => void>>();
  readonly #onChange: (view: JobView) => void;

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
    if (!changed) return;
    this.#onChange(view);
    if (!hasEnded(view)) return;
    for (const resolve of this.#waiting.get(view.request.job_id) ?? []) resolve();
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
