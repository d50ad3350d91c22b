import { jobIdSchema } from '@image-pipeline/shared/contracts/job.ts';
import type { Request, RequestHandler, Response } from 'express';

/** What stands in the path where a job id belongs; any text. */
export function jobIdOf(request: Request): string {
  const id = request.params['job_id'];
  return typeof id === 'string' ? id : '';
}

/** Keeps the job id for the log and for problems, which see the request when its route has been left. */
export const rememberJobId: RequestHandler = (request, response, next) => {
  rememberAs(response, jobIdSchema.safeParse(jobIdOf(request)).data);
  next();
};

/** The same for a job that the path does not name: that of an upload. */
export function rememberAs(response: Response, jobId: string | undefined): void {
  response.locals['jobId'] = jobId;
}

/** The id of the job that a request is about, if it is about one. */
export function rememberedJobId(response: Response): string | undefined {
  const id: unknown = response.locals['jobId'];
  return typeof id === 'string' ? id : undefined;
}
