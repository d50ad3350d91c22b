import type { JobView } from '@image-pipeline/shared/jobs/job-view.ts';
import { readWebhookAttempts } from '@image-pipeline/shared/jobs/webhook-attempts.ts';
import type { RequestHandler } from 'express';
import { z } from 'zod';
import { clientGone, jobIdOf, readQuery, wholeNumber } from '../http/request.ts';
import { hasEnded } from './followed-jobs.ts';
import type { EstimateJob } from './estimate-job.ts';
import type { Links } from './links.ts';
import { awaitStatus, type JobSources, readStatus } from './read-status.ts';
import { type Deliveries, statusResponse } from './status-response.ts';

export const statusQuerySchema = z.object({
  wait: wholeNumber(0, 60, 0, 'Seconds to wait for the end of the job.'),
});

export interface StatusRouteDeps extends JobSources {
  readonly links: Links;
  readonly estimate: EstimateJob;
  /** Aborts when the service stops: waiting requests get their response then. */
  readonly stopping: AbortSignal;
}

/** `GET /status/{job_id}`; `?wait=20` is a long poll for the end of the job. */
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
            { gone: clientGone(response), stopping: deps.stopping },
            deps,
          );
    response.setHeader('Cache-Control', 'no-store');
    const [deliveries, estimate] = await Promise.all([readDeliveries(view, deps), deps.estimate(view)]);
    const readFrom = deps.followed.get(jobId) === undefined ? 'store' : 'event_log';
    response.json(statusResponse(view, { deliveries, readFrom, estimate, links: deps.links }));
  };
}

/**
 * The delivery attempts of a job's webhooks, without unreadable ones; none before its first run has ended. Undefined while
 * the store does not respond: the response then leaves them out.
 */
export async function readDeliveries(
  view: JobView,
  { store, unlessUnavailable }: Pick<JobSources, 'store' | 'unlessUnavailable'>,
): Promise<Deliveries> {
  const { callback_url, job_id, run } = view.request;
  if (callback_url === undefined || (run === 1 && !hasEnded(view))) return [];
  return unlessUnavailable(() => readWebhookAttempts(store, job_id));
}
