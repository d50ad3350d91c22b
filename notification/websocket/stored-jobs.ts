import { StoreUnavailable } from '@image-pipeline/shared/errors.ts';
import type { JobView } from '@image-pipeline/shared/jobs/job-view.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import { waitForStore } from '@image-pipeline/shared/store/wait-for-store.ts';
import PQueue from 'p-queue';

export interface StoredJobsOptions {
  /** @throws StoreUnavailable */
  readonly find: (jobId: string) => Promise<JobView | undefined>;
  /** How many jobs to read at once, however many are asked for. */
  readonly concurrency: number;
  readonly log: Logger;
}

/** Reads jobs from the store that the memory of this service does not reach. */
export class StoredJobs {
  readonly #options: StoredJobsOptions;
  readonly #queue: PQueue;

  constructor(options: StoredJobsOptions) {
    this.#options = options;
    this.#queue = new PQueue({ concurrency: options.concurrency });
  }

  /**
   * The job, or undefined where none with this id was ever accepted. While the store is away it is asked again and
   * again, until `signal` aborts.
   * @param onAway called before each new try
   */
  async find(jobId: string, signal: AbortSignal, onAway: () => void): Promise<JobView | undefined> {
    const { find, log } = this.#options;
    const read = async () => {
      try {
        return await this.#queue.add(() => find(jobId), { signal });
      } catch (error) {
        if (error instanceof StoreUnavailable) onAway();
        throw error;
      }
    };
    return waitForStore(read, signal, log.child({ job_id: jobId }));
  }
}
