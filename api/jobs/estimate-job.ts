import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import type { JobEstimate, JobEstimates } from '@image-pipeline/shared/jobs/job-estimates.ts';
import type { JobView } from '@image-pipeline/shared/jobs/job-view.ts';
import type { ReadQueueMetrics } from '../pipeline-status/queue-metrics.ts';
import { hasEnded } from './followed-jobs.ts';

/** Queue position and ETA of a job; undefined once it has ended. */
export type EstimateJob = (view: JobView) => Promise<JobEstimate | undefined>;

/** Estimates from the newest queue metrics; does not read them for a job that has ended. */
export function createEstimateJob(
  estimates: Pick<JobEstimates, 'of'>,
  queueMetrics: ReadQueueMetrics,
): EstimateJob {
  return async (view) =>
    hasEnded(view) ? undefined : estimates.of(view, (await queueMetrics())?.get(queueNames.process));
}

/** Estimates can be far too high, so clients retry at least this often. */
const MAX_RETRY_AFTER_S = 300;

/** The member of a problem that sets its `Retry-After`; none where nothing is known: then the default is sent. */
export function retryAfterDetails(seconds: number | null | undefined): { retry_after_seconds?: number } {
  if (seconds === null || seconds === undefined) return {};
  return { retry_after_seconds: Math.min(MAX_RETRY_AFTER_S, Math.max(1, Math.ceil(seconds))) };
}
