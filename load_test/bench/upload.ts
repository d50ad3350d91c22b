import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';

const IMAGES = join(import.meta.dirname, '../../test_images');

/** An image of test_images, and what is asked for it. */
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

const acceptedSchema = z.object({ job_id: z.string() });

/** Uploads one image. Returns its job id and when the answer came, in milliseconds since 1970. */
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
    throw new Error(`upload answered ${response.status}: ${await response.text()}`);
  return { jobId: acceptedSchema.parse(await response.json()).job_id, acceptedAt };
}
