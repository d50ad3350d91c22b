import { jobIdSchema, type JobRequest } from '@image-pipeline/shared/contracts/job.ts';
import { z } from 'zod';
import { problemOf } from '../http/problem.ts';
import type { Links } from '../jobs/links.ts';
import { problemSchema } from '../openapi/responses.ts';

const acceptedJob = {
  job_id: jobIdSchema,
  status: z.literal('queued'),
  status_url: z.string(),
  result_url: z.string().meta({ description: 'Returns 409 until the job has ended.' }),
  events_url: z.string().optional().meta({ description: 'WebSocket with the events of the job.' }),
};

export const acceptedJobSchema = z.object(acceptedJob).meta({ id: 'AcceptedJob' });

/** The result of one of several files. */
const fileResultSchema = z.union([
  z.object({ file: z.string(), ...acceptedJob }).meta({ id: 'AcceptedFile' }),
  z.object({ file: z.string(), error: problemSchema }).meta({ id: 'RefusedFile' }),
]);

export const acceptedJobsSchema = z
  .object({ jobs: z.array(fileResultSchema).meta({ description: 'One entry per file, in the order sent.' }) })
  .meta({ id: 'AcceptedJobs' });

export type AcceptedJob = z.output<typeof acceptedJobSchema>;

/** A file of an upload, and its job or its error. */
export type FileResult = { readonly file: string } & (
  { readonly request: JobRequest; readonly repeated: boolean } | { readonly error: unknown }
);

export function acceptedJobOf({ job_id }: JobRequest, links: Links): AcceptedJob {
  const events = links.events(job_id);
  return {
    job_id,
    status: 'queued',
    status_url: links.status(job_id),
    result_url: links.result(job_id),
    ...(events === undefined ? {} : { events_url: events }),
  };
}

/** The member `jobs` of the response to several files. */
export function fileResultsResponse(results: readonly FileResult[], links: Links) {
  return results.map((result) =>
    'request' in result
      ? { file: result.file, ...acceptedJobOf(result.request, links) }
      : { file: result.file, error: problemOf(result.error) },
  );
}
