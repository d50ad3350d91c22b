import { createHash } from 'node:crypto';
import { deadLetterSchema } from '@image-pipeline/shared/contracts/dead-letter.ts';
import { outcomeSchema } from '@image-pipeline/shared/contracts/outcome.ts';
import { messageOf } from '@image-pipeline/shared/errors.ts';
import { deadKey, outcomeKey, resultsPrefix, thumbnailsPrefix } from '@image-pipeline/shared/store/keys.ts';
import { MAX_OBJECT_BYTES, type ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { readBytes, readJson } from '@image-pipeline/shared/store/read-object.ts';
import PQueue from 'p-queue';
import sharp from 'sharp';
import type { ImageEvidence, JobEvidence } from './evidence.ts';

const LOOKS_AT_ONCE = 8;

/** Where UUIDv7s begin that are made from now on; ids of the store sort by time. */
export function idsFrom(unixMs: number): string {
  const hex = unixMs.toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}

/**
 * All that the store has of every job that was begun since, of promised ones and others.
 * @param since as `idsFrom` gives it
 */
export async function collectJobs(store: ObjectStore, since: string): Promise<JobEvidence[]> {
  const jobIds = new Set<string>();
  for await (const { key } of store.list('jobs/', { startAfter: `jobs/${since}` })) {
    jobIds.add(key.split('/')[1] ?? '');
  }
  const looks = new PQueue({ concurrency: LOOKS_AT_ONCE });
  return Promise.all([...jobIds].map((jobId) => looks.add(() => collectJob(store, jobId))));
}

async function collectJob(store: ObjectStore, jobId: string): Promise<JobEvidence> {
  const images: ImageEvidence[] = [];
  for (const prefix of [resultsPrefix(jobId), thumbnailsPrefix(jobId)]) {
    for await (const { key } of store.list(prefix)) {
      const bytes = await readBytes(store, key, MAX_OBJECT_BYTES);
      if (bytes !== undefined) images.push(await lookAt(key, bytes));
    }
  }
  return {
    jobId,
    outcome: await readJson(store, outcomeKey(jobId, 1), outcomeSchema),
    dead: await readJson(store, deadKey(jobId, 1), deadLetterSchema),
    images,
  };
}

/** Decodes every pixel: a header alone would pass for an image that was cut. */
async function lookAt(key: string, bytes: Buffer): Promise<ImageEvidence> {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const known = { key, size: bytes.length, sha256 };
  try {
    const { info } = await sharp(bytes, { failOn: 'warning' }).raw().toBuffer({ resolveWithObject: true });
    return { ...known, decoded: { width: info.width, height: info.height } };
  } catch (error) {
    return { ...known, decoded: { error: messageOf(error) } };
  }
}
