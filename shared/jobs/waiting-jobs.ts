/** Far more than may wait by default; beyond it, the oldest are no longer counted. */
const MAX_JOBS = 100_000;

interface WaitingJob {
  readonly jobId: string;
  /** Milliseconds since 1970; in the future while the job waits in a retry queue. */
  readonly dueAt: number;
}

/** Jobs that wait for a worker, ordered by the time at which each enters the queue. */
export class WaitingJobs {
  /** In order. */
  readonly #jobs: WaitingJob[] = [];
  readonly #dueAt = new Map<string, number>();

  add(job: WaitingJob): void {
    this.remove(job.jobId);
    this.#jobs.splice(this.#indexOf(job), 0, job);
    this.#dueAt.set(job.jobId, job.dueAt);
    if (this.#jobs.length > MAX_JOBS) this.#dueAt.delete(this.#jobs.shift()?.jobId ?? '');
  }

  remove(jobId: string): void {
    const dueAt = this.#dueAt.get(jobId);
    if (dueAt === undefined) return;
    this.#jobs.splice(this.#indexOf({ jobId, dueAt }), 1);
    this.#dueAt.delete(jobId);
  }

  /** Number of jobs ahead of this one; undefined where it does not wait. */
  ahead(jobId: string): number | undefined {
    const dueAt = this.#dueAt.get(jobId);
    return dueAt === undefined ? undefined : this.#indexOf({ jobId, dueAt });
  }

  /** The first jobs, in order. */
  first(count: number): string[] {
    return this.#jobs.slice(0, count).map(({ jobId }) => jobId);
  }

  /** Number of jobs in the queue at this time, in milliseconds since 1970. */
  dueBy(time: number): number {
    return this.#indexOf({ jobId: '', dueAt: time + 1 });
  }

  clear(): void {
    this.#jobs.length = 0;
    this.#dueAt.clear();
  }

  /** Index of the job, or where to insert it. */
  #indexOf(job: WaitingJob): number {
    let [from, to] = [0, this.#jobs.length];
    while (from < to) {
      const middle = (from + to) >>> 1;
      const other = this.#jobs[middle];
      if (other !== undefined && isBefore(other, job)) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}

/** Job ids are in the order of creation. */
function isBefore(one: WaitingJob, other: WaitingJob): boolean {
  return one.dueAt < other.dueAt || (one.dueAt === other.dueAt && one.jobId < other.jobId);
}
