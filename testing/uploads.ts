import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { ApiClient } from './api-client.ts';
import { form } from './images.ts';

const acceptedSchema = z.object({ job_id: z.string() });
const statusSchema = z.object({
  status: z.string(),
  run: z.int(),
  timeline: z.array(z.object({ state: z.string() })),
});
const jobsSchema = z.object({ jobs: z.array(z.object({ job_id: z.string() })) });

/** Names in test_images. */
export const GOOD_IMAGE = 'palette.png';
export const CORRUPTED_IMAGE = 'corrupted.jpg';

export function bytesOf(image: string): Buffer<ArrayBuffer> {
  return Buffer.from(readFileSync(join(import.meta.dirname, '../test_images', image)));
}

/** Uploads an image once. @returns the id of its job. @throws Error if it is not accepted */
export async function uploadImage(
  api: ApiClient,
  image: string,
  key: string = crypto.randomUUID(),
  operations = 'resize:20x20',
): Promise<string> {
  const body = form([{ bytes: bytesOf(image), name: image }], { operations });
  const { status, json } = await api.upload(body, { 'Idempotency-Key': key });
  if (status !== 202) throw new Error(`${image} was not accepted: ${status}`);
  return acceptedSchema.parse(json).job_id;
}

/** The status of a job at its end, or after 20 s. */
export async function endOf(api: ApiClient, jobId: string): Promise<z.output<typeof statusSchema>> {
  return statusSchema.parse((await api.ask(`/status/${jobId}?wait=20`)).json);
}

/** The ids of the newest 100 jobs. */
export async function listedJobs(api: ApiClient): Promise<string[]> {
  const { jobs } = jobsSchema.parse((await api.ask('/jobs?limit=100')).json);
  return jobs.map(({ job_id }) => job_id);
}
