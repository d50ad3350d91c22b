import { jobRequestSchema, type JobRequest } from '@image-pipeline/shared/contracts/job.ts';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import { readOutcome } from '@image-pipeline/shared/jobs/record-outcome.ts';
import { idempotencyKey, originalKey, requestKey } from '@image-pipeline/shared/store/keys.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { jsonBody, readJson } from '@image-pipeline/shared/store/read-object.ts';
import { v7 as uuidv7 } from 'uuid';
import { contentHash } from './content-hash.ts';
import { idempotencyRecordSchema, type IdempotencyRecord } from './idempotency-record.ts';
import type { ExaminedFile, ExaminedImage } from './inspect-image.ts';
import { IDEMPOTENCY_HEADER } from './idempotency-key.ts';
import type { Wishes } from './upload-options.ts';
import {
  announceAccepted,
  jobMessage,
  requestFor,
  storeOriginal,
  type UploadImageDeps,
} from './upload-image.ts';

export interface UploadOnceDeps extends UploadImageDeps {
  readonly store: ObjectStore;
  /** Whether the event log tells of the job: its message was confirmed then. */
  readonly isKnown: (jobId: string) => boolean;
}

export interface JobOfUpload {
  readonly request: JobRequest;
  /** An earlier upload under the same key was accepted already. */
  readonly repeated: boolean;
}

/** Accepts one image of an upload; see `uploadImage` for what that means and throws. */
export type AcceptImage = (image: ExaminedImage) => Promise<JobOfUpload>;

/**
 * Reserves an idempotency key for the images of an upload: originals → record. What comes after it (request → publish)
 * can be done again by whoever repeats the upload, whatever the first one died of, and gives the same jobs. So nothing
 * is undone here when a publish is refused: a repeat may be completing it at that very moment.
 * @throws PipelineError `idempotency_key_reused` where the key stands for other content; StoreUnavailable
 */
export async function reserveUpload(
  key: string,
  files: readonly ExaminedFile[],
  wishes: Wishes,
  deps: UploadOnceDeps,
): Promise<AcceptImage> {
  const images = files.flatMap((file) => ('image' in file ? [file.image] : []));
  const content_hash = contentHash(files, wishes);
  const record = (await readRecord(key, deps)) ?? (await makeRecord(key, content_hash, images, deps));
  if (record.content_hash !== content_hash) {
    throw new PipelineError(
      'idempotency_key_reused',
      `This ${IDEMPOTENCY_HEADER} belongs to an upload of other files or operations; take a new key for a new upload.`,
    );
  }
  return (image) => {
    const job_id = record.job_ids[images.indexOf(image)];
    if (job_id === undefined) throw new Error('the image is not of this upload');
    return completeJob(image, requestFor(image, wishes, { ...record, job_id }), deps);
  };
}

function readRecord(key: string, { store }: UploadOnceDeps): Promise<IdempotencyRecord | undefined> {
  return readJson(store, idempotencyKey(key), idempotencyRecordSchema);
}

/** The record that stands then: ours, or that of somebody who was faster. */
async function makeRecord(
  key: string,
  content_hash: string,
  images: readonly ExaminedImage[],
  deps: UploadOnceDeps,
): Promise<IdempotencyRecord> {
  const job_ids: string[] = [];
  for (const image of images) {
    const job_id = uuidv7();
    await storeOriginal(image, job_id, deps);
    job_ids.push(job_id);
  }
  const ours = { version: 1, content_hash, job_ids, submitted_at: new Date().toISOString() } as const;
  if (await deps.store.putIfAbsent(idempotencyKey(key), jsonBody(ours))) return ours;
  for (const job_id of job_ids) await deps.store.remove(originalKey(job_id));
  const theirs = await readRecord(key, deps);
  if (theirs === undefined) throw new Error('an idempotency record was there and is gone');
  return theirs;
}

/** Request → publish, each only where an earlier upload under this key has not done it. */
async function completeJob(
  image: ExaminedImage,
  ours: JobRequest,
  deps: UploadOnceDeps,
): Promise<JobOfUpload> {
  const { job_id, run } = ours;
  const { store } = deps;
  if (deps.isKnown(job_id) || (await readOutcome(store, job_id, run)) !== undefined) {
    return { request: ours, repeated: true };
  }
  if ((await store.stat(originalKey(job_id))) === undefined) await storeOriginal(image, job_id, deps);
  const isOurs = await store.putIfAbsent(requestKey(job_id, run), jsonBody(ours));
  const stored = isOurs ? ours : await readJson(store, requestKey(job_id, run), jobRequestSchema);
  const request = stored ?? ours;
  await deps.publish(jobMessage(request));
  announceAccepted(request, deps);
  return { request, repeated: false };
}
