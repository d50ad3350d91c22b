import { StoreUnavailable } from '@image-pipeline/shared/errors.ts';
import type { JobView } from '@image-pipeline/shared/jobs/job-view.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import { waitForStore } from '@image-pipeline/shared/store/wait-for-store.ts';
import PQueue from 'p-queue';

export interface StoredJobsOptions {
  /** @throws StoreUnavailable */
  readonly find: (jobId: string) => Promise<JobView | undefined>;
  /** Maximum concurrent reads. */
  readonly concurrency: number;
  readonly log: Logger;
}

/** Reads jobs from the store that are not in memory. */
export class StoredJobs {
  readonly #options: StoredJobsOptions;
  readonly #queue: PQueue;

  constructor(options: StoredJobsOptions) {
    this.#options = options;
    this.#queue = new PQueue({ concurrency: options.concurrency });
  }

  /**
   * The job, or undefined if no job with this id was accepted. Retries while the store is unavailable, until `signal`
   * aborts.
   * @param onUnavailable called before each retry
   */
  async find(jobId: string, signal: AbortSignal, onUnavailable: () => void): Promise<JobView | undefined> {
    const { find, log } = this.#options;
    const read = async () => {
      try {
        return await this.#queue.add(() => find(jobId), { signal });
      } catch (error) {
        if (error instanceof StoreUnavailable) onUnavailable();
        throw error;
      }
    };
    return waitForStore(read, signal, log.child({ job_id: jobId }));
  }
}
