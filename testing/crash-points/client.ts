import { z } from 'zod';
import { benchImage } from '../../load_test/bench/upload.ts';

export const goodImage = benchImage('palette.png', 'image/png', 'resize:20x20');
export const corruptedImage = benchImage('corrupted.jpg', 'image/jpeg', 'resize:20x20');

const accepted = z.object({ job_id: z.string() });
const status = z.object({
  status: z.string(),
  run: z.int(),
  timeline: z.array(z.object({ state: z.string() })),
});
const jobs = z.object({ jobs: z.array(z.object({ job_id: z.string() })) });

/** Sends an image under an idempotency key; the id of its job, or undefined where no 202 came back. */
export async function send(
  apiUrl: string,
  image: typeof goodImage,
  key: string,
): Promise<string | undefined> {
  const form = new FormData();
  form.append('file', new Blob([image.bytes]), image.name);
  form.append('operations', image.operations);
  const headers = { 'Idempotency-Key': key };
  try {
    const response = await fetch(`${apiUrl}/upload`, { method: 'POST', body: form, headers });
    return response.status === 202 ? accepted.parse(await response.json()).job_id : undefined;
  } catch {
    return undefined;
  }
}

/** @throws Error where it is not accepted */
export async function sendOnce(apiUrl: string, image: typeof goodImage): Promise<string> {
  const jobId = await send(apiUrl, image, crypto.randomUUID());
  if (jobId === undefined) throw new Error(`${image.name} was not accepted`);
  return jobId;
}

/** The status of a job at its end, or after 20 s. */
export async function endOf(apiUrl: string, jobId: string): Promise<z.output<typeof status>> {
  const response = await fetch(`${apiUrl}/status/${jobId}?wait=20`);
  return status.parse(await response.json());
}

export async function listedJobs(apiUrl: string): Promise<string[]> {
  const { jobs: listed } = jobs.parse(await (await fetch(`${apiUrl}/jobs?limit=100`)).json());
  return listed.map(({ job_id }) => job_id);
}
