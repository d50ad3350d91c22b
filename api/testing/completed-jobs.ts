import type { JobRequest } from '@image-pipeline/shared/contracts/job.ts';
import { completedOutcome, someRequest } from '../../testing/job-life.ts';
import type { GivenApi } from './given-api.ts';

/** Completed jobs, each with a unique thumbnail; only in the store, not in the event log. */
export async function completedJobs(given: GivenApi, count: number): Promise<JobRequest[]> {
  const requests = Array.from({ length: count }, () => someRequest());
  for (const request of requests) {
    const outcome = completedOutcome(request);
    await given.store.put(outcome.thumbnail.key, thumbnailOf(request.job_id));
    await given.storeJob(request, outcome);
  }
  return requests;
}

/** The bytes of a job's thumbnail. */
export function thumbnailOf(jobId: string): Buffer {
  return Buffer.from(`a thumbnail of ${jobId}`);
}
