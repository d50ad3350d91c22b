import { EventEmitter, once } from 'node:events';
import type { JobEvent } from '@image-pipeline/shared/contracts/event.ts';
import { terminalStates } from '@image-pipeline/shared/contracts/job.ts';
import type { JobView } from '@image-pipeline/shared/jobs/job-view.ts';
import { type JobPage, LiveView } from '@image-pipeline/shared/jobs/live-view.ts';

/** The newest jobs of the event log, and a way to wait for the end of one. */
export class FollowedJobs {
  readonly #view: LiveView;
  /** Emits the view of a job under its id when it ends. */
  readonly #ends = new EventEmitter<Record<string, [JobView]>>();

  readonly #onChange: (view: JobView) => void;

  /**
   * @param capacity how many of the newest jobs to remember
   * @param onChange called for every change of a job
   */
  constructor(capacity: number, onChange: (view: JobView) => void = () => undefined) {
    this.#view = new LiveView(capacity);
    this.#onChange = onChange;
    this.#ends.setMaxListeners(0);
  }

  apply(event: JobEvent): void {
    const { view, changed } = this.#view.apply(event);
    if (!changed) return;
    this.#onChange(view);
    if (!hasEnded(view)) return;
    this.#ends.emit(view.request.job_id, view);
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
    await once(this.#ends, jobId, { signal });
  }
}

export function hasEnded(view: JobView): boolean {
  return terminalStates.includes(view.state);
}
