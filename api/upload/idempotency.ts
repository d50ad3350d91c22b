import { createHash } from 'node:crypto';
import { jobIdSchema, type JobRequest } from '@image-pipeline/shared/contracts/job.ts';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import { jobMessage } from '@image-pipeline/shared/jobs/job-message.ts';
import { readOutcome, readRequest } from '@image-pipeline/shared/jobs/read-run.ts';
import { idempotencyKey, originalKey, requestKey } from '@image-pipeline/shared/store/keys.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { jsonBody, readJson } from '@image-pipeline/shared/store/read-object.ts';
import { invalidParameter } from '@image-pipeline/shared/validation.ts';
import type { Request } from 'express';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import type { InspectedFile, InspectedImage } from './inspect-image.ts';
import { reportAccepted, requestFor, storeOriginal, type UploadImageDeps } from './upload-image.ts';
import type { UploadOptions } from './upload-options.ts';

export const IDEMPOTENCY_HEADER = 'Idempotency-Key';
/** Response header of an upload that was already accepted under the same key. */
export const REPLAYED_HEADER = 'Idempotency-Replayed';
const MAX_LENGTH = 255;

/**
 * The idempotency key of an upload, chosen by the client; undefined where there is none. It may be quoted, as in
 * draft-ietf-httpapi-idempotency-key-header.
 * @throws PipelineError `invalid_parameter`
 */
export function idempotencyKeyOf(request: Pick<Request, 'header'>): string | undefined {
  const given = request.header(IDEMPOTENCY_HEADER);
  if (given === undefined) return undefined;
  const key = given.trim().replace(/^"(.*)"$/, '$1');
  if (key !== '' && key.length <= MAX_LENGTH && /^[\x20-\x7e]+$/.test(key)) return key;
  throw invalidParameter(
    IDEMPOTENCY_HEADER,
    `must be 1 to ${MAX_LENGTH} visible ASCII characters, e.g. a UUID; got ${key.length}`,
    { allowed: { minLength: 1, maxLength: MAX_LENGTH } },
  );
}

/** The idempotency keys of the uploads that this replica is processing. */
export class InFlightKeys {
  readonly #keys = new Set<string>();

  /** @returns releases the key. @throws PipelineError `idempotency_key_in_use` while an upload has it */
  claim(key: string | undefined): () => void {
    if (key === undefined) return () => undefined;
    if (this.#keys.has(key)) {
      throw new PipelineError(
        'idempotency_key_in_use',
        `An upload with this ${IDEMPOTENCY_HEADER} is still in progress; retry in a moment.`,
      );
    }
    this.#keys.add(key);
    return () => void this.#keys.delete(key);
  }
}

/**
 * The jobs of an idempotency key: the object `idempotency/{sha256 of key}.json`, put if absent. Ids and time are all that
 * distinguishes a job from another of the same image, so a repeated upload makes the same jobs.
 */
export const idempotencyRecordSchema = z.object({
  version: z.literal(1),
  /** See `contentHash`; hex. */
  content_hash: z.string().regex(/^[0-9a-f]{64}$/),
  /** One per image, in the order of the files. */
  job_ids: z.array(jobIdSchema).min(1),
  submitted_at: z.iso.datetime(),
});

type IdempotencyRecord = z.output<typeof idempotencyRecordSchema>;

export interface UploadDeps extends UploadImageDeps {
  readonly store: ObjectStore;
  /** Whether the event log has the job: then its message was confirmed. */
  readonly isKnown: (jobId: string) => boolean;
}

export interface UploadedJob {
  readonly request: JobRequest;
  /** Whether the job was already accepted under the same key. */
  readonly repeated: boolean;
}

/** The request of the job that each image of an upload becomes. */
export type ReservedJobs = ReadonlyMap<InspectedImage, JobRequest>;

/**
 * Reserves an idempotency key for the images of an upload: originals → record; nothing if all images are refused. The steps after it (request → publish) are
 * idempotent: a repeated upload completes them, wherever the first one stopped, and gets the same jobs. So nothing is
 * undone when a publish is refused: a repeated upload may be completing it at that moment.
 * @throws PipelineError `idempotency_key_reused` where the key was used for other content; StoreUnavailable
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
  let record = await readRecord(key, deps);
  if (record === undefined && images.every(({ refusal }) => refusal !== undefined)) return new Map();
  record ??= await makeRecord(key, content_hash, images, deps);
  if (record.content_hash !== content_hash) {
    throw new PipelineError(
      'idempotency_key_reused',
      `This ${IDEMPOTENCY_HEADER} was used for an upload with other files or options. Use a new key for a new upload.`,
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

/** The record that is stored: ours, or that of a concurrent upload. */
async function makeRecord(
  key: string,
  content_hash: string,
  images: readonly InspectedImage[],
  deps: UploadDeps,
): Promise<IdempotencyRecord> {
  const job_ids: string[] = [];
  for (const image of images) {
    const job_id = uuidv7();
    if (image.refusal === undefined) await storeOriginal(image, job_id, deps);
    job_ids.push(job_id);
  }
  const ours = { version: 1, content_hash, job_ids, submitted_at: new Date().toISOString() } as const;
  if (await deps.store.putIfAbsent(idempotencyKey(key), jsonBody(ours))) return ours;
  for (const job_id of job_ids) await deps.store.remove(originalKey(job_id));
  const theirs = await readRecord(key, deps);
  if (theirs === undefined) throw new Error('the idempotency record has been removed');
  return theirs;
}

/** Whether an earlier upload has accepted the job, at least as far as its request. @throws StoreUnavailable */
export async function isStored({ job_id, run }: JobRequest, { store }: UploadDeps): Promise<boolean> {
  return (await store.stat(requestKey(job_id, run))) !== undefined;
}

/** Request → publish, each only where no earlier upload with this key has done it. */
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
  const stored = isOurs ? ours : await readRequest(store, job_id, run);
  const request = stored ?? ours;
  await deps.publisher.publish(jobMessage(request));
  reportAccepted(request, deps);
  return { request, repeated: false };
}

/**
 * Identifies the content of an upload: names, order and bytes of its files, and its options.
 * @returns SHA-256 in hex
 */
function contentHash(files: readonly InspectedFile[], options: UploadOptions): string {
  const described = files.map(({ file, ...inspected }) => [
    file.name,
    file.content.size,
    'image' in inspected ? inspected.image.content.sha256 : null,
  ]);
  return createHash('sha256')
    .update(JSON.stringify([described, options]))
    .digest('hex');
}
