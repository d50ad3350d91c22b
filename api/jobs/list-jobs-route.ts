import { PipelineError } from '@image-pipeline/shared/errors.ts';
import type { RequestHandler } from 'express';
import { jobListAnswer } from './job-list-response.ts';
import { jobListQuerySchema } from '../http/queries.ts';
import type { FollowedJobs } from './followed-jobs.ts';
import type { Links } from './links.ts';
import { readQuery } from '../http/query.ts';

export interface JobsRouteDeps {
  readonly followed: Pick<FollowedJobs, 'list'>;
  readonly isCaughtUp: () => boolean;
  readonly links: Links;
}

/** `GET /jobs`: the newest jobs that the event log remembers. */
export function jobsRoute({ followed, isCaughtUp, links }: JobsRouteDeps): RequestHandler {
  return (request, response) => {
    const { status, limit, cursor } = readQuery(request, jobListQuerySchema);
    if (!isCaughtUp()) {
      throw new PipelineError('not_caught_up', 'The event log is still being read; ask again in a moment.');
    }
    const page = followed.list({ state: status, limit, before: cursor });
    response.setHeader('Cache-Control', 'no-store');
    response.json(jobListAnswer(page, links));
  };
}
