import type { JobView } from '@image-pipeline/shared/jobs/job-view.ts';
import { readWebhookAttempts } from '@image-pipeline/shared/jobs/webhook-attempts.ts';
import type { RequestHandler } from 'express';
import { z } from 'zod';
import { clientGone, jobIdOf, readQuery, wholeNumber } from '../http/request.ts';
import { hasEnded } from './followed-jobs.ts';
import type { EstimateJob } from './job-estimates.ts';
import type { Links } from './links.ts';
import { awaitStatus, type JobSources, readStatus } from './read-status.ts';
import { type Deliveries, statusResponse } from './status-response.ts';

export const statusQuerySchema = z.object({
  wait: wholeNumber(0, 60, 0, 'Seconds to hold the answer for, until the job has ended.'),
});

export interface StatusRouteDeps extends JobSources {
  readonly links: Links;
  readonly estimate: EstimateJob;
  /** Aborts when the service stops: answers that are held are given then. */
  readonly stopping: AbortSignal;
}

/** `GET /status/{job_id}`, with `?wait=20` once the job has ended or the time is up. */
export function statusRoute(deps: StatusRouteDeps): RequestHandler {
  return async (request, response) => {
    const jobId = jobIdOf(request);
    const { wait } = readQuery(request, statusQuerySchema);
    const view =
      wait === 0
        ? await readStatus(jobId, deps)
        : await awaitStatus(
            jobId,
            wait * 1_000,
            AbortSignal.any([clientGone(response), deps.stopping]),
            deps,
          );
    response.setHeader('Cache-Control', 'no-store');
    const [deliveries, estimate] = await Promise.all([readDeliveries(view, deps), deps.estimate(view)]);
    response.json(statusResponse(view, { deliveries, estimate, links: deps.links }));
  };
}

/**
 * The attempts to deliver webhooks of a job: none before a run of it has ended, and none that cannot be read. Undefined
 * while the store does not answer: what is known of the job is told without them.
 */
export async function readDeliveries(
  view: JobView,
  { store, unlessUnavailable }: Pick<JobSources, 'store' | 'unlessUnavailable'>,
): Promise<Deliveries> {
  const { callback_url, job_id, run } = view.request;
  if (callback_url === undefined || (run === 1 && !hasEnded(view))) return [];
  return unlessUnavailable(() => readWebhookAttempts(store, job_id));
}
