import { join } from 'node:path';
import { acceptedJobId, problemIn, type ApiClient, type Job } from '../pipeline/api-client.ts';
import type { Expectation } from './manifest.ts';

/** What happened to one image: it was refused, or it became a job. */
export type Seen =
  | { readonly upload: 'refused'; readonly status: number; readonly code: string; readonly detail: string }
  | { readonly upload: 'accepted'; readonly status: number; readonly job: Job };

const JOB_DEADLINE_MS = 90_000;

/** Uploads one of the test images and follows its job to the end. */
export async function pushImage(api: ApiClient, folder: string, image: Expectation): Promise<Seen> {
  const response = await api.upload(join(folder, image.file), image.operations);
  const jobId = acceptedJobId(response);
  if (jobId === undefined) return { upload: 'refused', status: response.status, ...problemIn(response.body) };
  return { upload: 'accepted', status: response.status, job: await api.untilEnded(jobId, JOB_DEADLINE_MS) };
}
