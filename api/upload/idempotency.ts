import { createHash } from 'node:crypto';
import { jobIdSchema, type JobRequest, jobRequestSchema } from '@image-pipeline/shared/contracts/job.ts';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import { readOutcome } from '@image-pipeline/shared/jobs/record-outcome.ts';
import { idempotencyKey, originalKey, requestKey } from '@image-pipeline/shared/store/keys.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { jsonBody, readJson } from '@image-pipeline/shared/store/read-object.ts';
import type { Request } from 'express';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import { invalidParameter } from '../http/request.ts';
import type { InspectedFile, InspectedImage } from './inspect-image.ts';
import {
  reportAccepted,
  jobMessage,
  requestFor,
  storeOriginal,
  type UploadImageDeps,
} from './upload-image.ts';
import type { UploadOptions } from './upload-options.ts';

export const IDEMPOTENCY_HEADER = 'Idempotency-Key';
/** Of an answer to an upload that was accepted earlier under the same key. */
export const REPLAYED_HEADER = 'Idempotency-Replayed';
const MAX_LENGTH = 255;

/**
 * The client's own name for an upload, by which a repeat is known; undefined where there is none. The quotes that the
 * IETF draft puts around it (draft-ietf-httpapi-idempotency-key-header) may be there or not.
 * @throws PipelineError `invalid_parameter`
 */
export function idempotencyKeyOf(request: Pick<Request, 'header'>): string | undefined {
  const given = request.header(IDEMPOTENCY_HEADER);
  if (given === undefined) return undefined;
  const key = given.trim().replace(/^"(.*)"$/, '$1');
  if (key !== '' && key.length <= MAX_LENGTH && /^[\x20-\x7e]+$/.test(key)) return key;
  throw invalidParameter(
    IDEMPOTENCY_HEADER,
    `is 1 to ${MAX_LENGTH} visible ASCII characters, e.g. a UUID; this one has ${key.length}`,
    { allowed: { minLength: 1, maxLength: MAX_LENGTH } },
  );
}

/** The idempotency keys of the uploads that this replica is processing. */
export class InFlightKeys {
  readonly #keys = new Set<string>();

  /** @returns releases the key. @throws PipelineError `idempotency_key_in_hand` while an upload has it */
  claim(key: string | undefined): () => void {
    if (key === undefined) return () => undefined;
    if (this.#keys.has(key)) {
      throw new PipelineError(
        'idempotency_key_in_hand',
        `An upload with this ${IDEMPOTENCY_HEADER} is still in progress; retry in a moment.`,
      );
    }
    this.#keys.add(key);
    return () => void this.#keys.delete(key);
  }
}

/**
 * What an idempotency key stands for: the object `idempotency/{sha256 of key}.json`, put if absent. The ids and the
 * time are all that a job has of its own, so whoever repeats the upload makes the same jobs of it.
 */
const idempotencyRecordSchema = z.object({
  version: z.literal(1),
  /** hex; see content-hash.ts */
  content_hash: z.string().regex(/^[0-9a-f]{64}$/),
  /** One a file that is an image, in the order sent. */
  job_ids: z.array(jobIdSchema).min(1),
  submitted_at: z.iso.datetime(),
});

type IdempotencyRecord = z.output<typeof idempotencyRecordSchema>;

export interface UploadDeps extends UploadImageDeps {
  readonly store: ObjectStore;
  /** Whether the event log tells of the job: its message was confirmed then. */
  readonly isKnown: (jobId: string) => boolean;
}

export interface UploadedJob {
  readonly request: JobRequest;
  /** An earlier upload under the same key was accepted already. */
  readonly repeated: boolean;
}

/** The request of the job that each image of an upload becomes. */
export type ReservedJobs = ReadonlyMap<InspectedImage, JobRequest>;

/**
 * Reserves an idempotency key for the images of an upload: originals → record. What comes after it (request → publish)
 * can be done again by whoever repeats the upload, whatever the first one died of, and gives the same jobs. So nothing
 * is undone here when a publish is refused: a repeat may be completing it at that very moment.
 * @throws PipelineError `idempotency_key_reused` where the key stands for other content; StoreUnavailable
 */
export async function reserveUpload(
  key: string,
  files: readonly InspectedFile[],
  options: UploadOptions,
  deps: UploadDeps,
): Promise<ReservedJobs> {
  const images = files.flatMap((file) => ('image' in file ? [file.image] : []));
  if (images.length === 0) return new Map();
  const content_hash = contentHash(files, options);
  const record = (await readRecord(key, deps)) ?? (await makeRecord(key, content_hash, images, deps));
  if (record.content_hash !== content_hash) {
    throw new PipelineError(
      'idempotency_key_reused',
      `This ${IDEMPOTENCY_HEADER} belongs to an upload of other files or operations; take a new key for a new upload.`,
    );
  }
  return new Map(
    images.map((image, index) => {
      const job_id = record.job_ids[index];
      if (job_id === undefined) throw new Error('the idempotency record has too few job ids');
      return [image, requestFor(image, options, { ...record, job_id })];
    }),
  );
}

function readRecord(key: string, { store }: UploadDeps): Promise<IdempotencyRecord | undefined> {
  return readJson(store, idempotencyKey(key), idempotencyRecordSchema);
}

/** The record that stands then: ours, or that of somebody who was faster. */
async function makeRecord(
  key: string,
  content_hash: string,
  images: readonly InspectedImage[],
  deps: UploadDeps,
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
export async function completeReservedJob(
  image: InspectedImage,
  ours: JobRequest,
  deps: UploadDeps,
): Promise<UploadedJob> {
  const { job_id, run } = ours;
  const { store } = deps;
  if (deps.isKnown(job_id) || (await readOutcome(store, job_id, run)) !== undefined) {
    return { request: ours, repeated: true };
  }
  if ((await store.stat(originalKey(job_id))) === undefined) await storeOriginal(image, job_id, deps);
  const isOurs = await store.putIfAbsent(requestKey(job_id, run), jsonBody(ours));
  const stored = isOurs ? ours : await readJson(store, requestKey(job_id, run), jobRequestSchema);
  const request = stored ?? ours;
  await deps.publisher.publish(jobMessage(request));
  reportAccepted(request, deps);
  return { request, repeated: false };
}

/**
 * By which two uploads are known as the same: files with their names, order and bytes, and what is to be done to them.
 * @returns SHA-256 in hex
 */
function contentHash(files: readonly InspectedFile[], options: UploadOptions): string {
  const described = files.map(({ file, ...verdict }) => [
    file.name,
    file.size,
    'image' in verdict ? verdict.image.sha256 : null,
  ]);
  return createHash('sha256')
    .update(JSON.stringify([described, options]))
    .digest('hex');
}
