import type { JobEvent } from '../contracts/event.ts';
import { applyEvent, type JobView } from './job-view.ts';

export interface JobPage {
  /** Newest first. */
  readonly jobs: readonly JobView[];
  /** Pass as `before` for the next page; undefined on the last one. */
  readonly next: string | undefined;
}

/** The newest jobs, kept in memory from the event log. Bounded: the oldest job is evicted first. */
export class LiveView {
  readonly #capacity: number;
  readonly #views = new Map<string, JobView>();
  /** Job ids in ascending order, which is the order of their creation. */
  readonly #ids: string[] = [];

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Returns the state of the job, and whether the event changed it. */
  apply(event: JobEvent): { readonly view: JobView; readonly changed: boolean } {
    const id = event.data.job_id;
    const before = this.#views.get(id);
    const view = applyEvent(before, event);
    if (view === before) return { view, changed: false };
    this.#views.set(id, view);
    if (before === undefined) this.#remember(id);
    return { view, changed: true };
  }

  /** Replaces the state of a job by what the store has; undefined removes it. */
  correct(jobId: string, view: JobView | undefined): void {
    if (view === undefined) {
      this.#views.delete(jobId);
      const place = this.#ids.indexOf(jobId);
      if (place !== -1) this.#ids.splice(place, 1);
    } else if (this.#views.has(jobId)) {
      this.#views.set(jobId, view);
    }
  }

  get(jobId: string): JobView | undefined {
    return this.#views.get(jobId);
  }

  /** Whether the job is older than all jobs in memory, so that it may have been evicted. */
  mayHaveForgotten(jobId: string): boolean {
    return this.#ids.length === this.#capacity && jobId < (this.#ids[0] ?? '');
  }

  get size(): number {
    return this.#ids.length;
  }

  /** Jobs created before the job `before` (or the newest), at most `limit`, of those that match (or all). */
  list(options: {
    matches?: (view: JobView) => boolean;
    limit: number;
    before?: string | undefined;
  }): JobPage {
    const { matches = () => true, limit, before } = options;
    const jobs: JobView[] = [];
    for (let index = this.#ids.length - 1; index >= 0; index--) {
      const id = this.#ids[index] ?? '';
      if (before !== undefined && id >= before) continue;
      const view = this.#views.get(id);
      if (view === undefined || !matches(view)) continue;
      if (jobs.length === limit) return { jobs, next: jobs.at(-1)?.request.job_id };
      jobs.push(view);
    }
    return { jobs, next: undefined };
  }

  clear(): void {
    this.#views.clear();
    this.#ids.length = 0;
  }

  /** Ids arrive almost in order, so the place is found from the end. */
  #remember(id: string): void {
    let place = this.#ids.length;
    while (place > 0 && (this.#ids[place - 1] ?? '') > id) place--;
    this.#ids.splice(place, 0, id);
    if (this.#ids.length > this.#capacity) this.#views.delete(this.#ids.shift() ?? '');
  }
}
