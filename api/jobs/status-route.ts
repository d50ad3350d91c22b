import type { RequestHandler } from 'express';
import { statusQuerySchema } from '../http/queries.ts';
import { statusAnswer } from './status-response.ts';
import type { EstimateJob } from './estimate-job.ts';
import type { Links } from './links.ts';
import { readDeliveries } from './read-deliveries.ts';
import { awaitStatus, readStatus, type JobSources } from './read-status.ts';
import { closed } from '../http/client-gone.ts';
import { jobIdOf } from '../http/job-id.ts';
import { readQuery } from '../http/query.ts';

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
        : await awaitStatus(jobId, wait * 1_000, AbortSignal.any([closed(response), deps.stopping]), deps);
    response.setHeader('Cache-Control', 'no-store');
    const [deliveries, estimate] = await Promise.all([readDeliveries(view, deps), deps.estimate(view)]);
    response.json(statusAnswer(view, { deliveries, estimate, links: deps.links }));
  };
}
