/** Far more than may wait by default; beyond it, those who came first are no longer counted. */
const MAX_JOBS = 100_000;

interface WaitingJob {
  readonly jobId: string;
  /** Milliseconds since 1970; in the future while the job waits on a rung of the retry ladder. */
  readonly dueAt: number;
}

/** Jobs that wait for a worker, by the time at which each entered the queue or will enter it. */
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

  /** How many jobs are served before this one; undefined where it does not wait. */
  ahead(jobId: string): number | undefined {
    const dueAt = this.#dueAt.get(jobId);
    return dueAt === undefined ? undefined : this.#indexOf({ jobId, dueAt });
  }

  /** How many have entered by this time, in milliseconds since 1970. */
  dueBy(time: number): number {
    return this.#indexOf({ jobId: '', dueAt: time + 1 });
  }

  clear(): void {
    this.#jobs.length = 0;
    this.#dueAt.clear();
  }

  /** Where this place is, or would be. */
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

/** Ids are in the order of their making. */
function isBefore(one: WaitingJob, other: WaitingJob): boolean {
  return one.dueAt < other.dueAt || (one.dueAt === other.dueAt && one.jobId < other.jobId);
}
