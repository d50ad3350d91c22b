import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import PQueue from 'p-queue';
import { z } from 'zod';

const IMAGES = join(import.meta.dirname, '../../test_images');

/** An image of test_images, and the operations for it. */
export interface BenchImage {
  readonly name: string;
  readonly bytes: Buffer<ArrayBuffer>;
  readonly contentType: 'image/jpeg' | 'image/png' | 'image/gif' | 'image/webp';
  readonly operations: string;
}

export function benchImage(
  name: string,
  contentType: BenchImage['contentType'],
  operations: string,
): BenchImage {
  return { name, bytes: Buffer.from(readFileSync(join(IMAGES, name))), contentType, operations };
}

/** Concurrent uploads: enough to keep the job queue filled. */
export const UPLOADS_AT_ONCE = 8;
export const uploadQueue = () => new PQueue({ concurrency: UPLOADS_AT_ONCE });

const acceptedSchema = z.object({ job_id: z.string() });

/** Uploads one image. @returns its job id and the time of the response, in milliseconds since 1970 */
export async function upload(
  apiUrl: string,
  image: BenchImage,
): Promise<{ jobId: string; acceptedAt: number }> {
  const form = new FormData();
  form.append('file', new Blob([image.bytes], { type: image.contentType }), basename(image.name));
  form.append('operations', image.operations);
  const response = await fetch(`${apiUrl}/upload`, { method: 'POST', body: form });
  const acceptedAt = Date.now();
  if (response.status !== 202)
    throw new Error(`The upload returned ${response.status}: ${await response.text()}`);
  return { jobId: acceptedSchema.parse(await response.json()).job_id, acceptedAt };
}

/**
 * Uploads at random times, like those of many independent clients (a Poisson process), whether or not earlier uploads
 * have ended. Resolves when all have ended.
 * @param perSecond mean number of uploads per second
 */
export async function uploadAtRandom(
  apiUrl: string,
  image: BenchImage,
  { perSecond, seconds }: { perSecond: number; seconds: number },
): Promise<void> {
  const uploads: Promise<unknown>[] = [];
  const start = performance.now();
  for (let due = start; ;) {
    due += (-Math.log(1 - Math.random()) / perSecond) * 1_000;
    if (due > start + seconds * 1_000) break;
    await sleep(Math.max(0, due - performance.now()));
    uploads.push(upload(apiUrl, image));
  }
  await sleep(Math.max(0, start + seconds * 1_000 - performance.now()));
  await Promise.all(uploads);
}
