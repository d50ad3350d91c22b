import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import type { JobView } from '@image-pipeline/shared/jobs/job-view.ts';
import { hasEnded } from './followed-jobs.ts';
import type { ReadQueueFigures } from '../pipeline-status/queue-metrics.ts';
import type { JobEstimate, JobEstimates } from './job-estimates.ts';

/** Where a job is and how long it will take; undefined once it has ended. */
export type EstimateJob = (view: JobView) => Promise<JobEstimate | undefined>;

/** Estimates by newest figures of the queue; of a job that has ended, without asking for them. */
export function createEstimateJob(
  estimates: Pick<JobEstimates, 'of'>,
  figures: ReadQueueFigures,
): EstimateJob {
  return async (view) =>
    hasEnded(view) ? undefined : estimates.of(view, (await figures())?.get(queueNames.process));
}
