import { type Publisher, PublishRefused } from '@image-pipeline/shared/broker/publisher.ts';
import type { JobRequest } from '@image-pipeline/shared/contracts/job.ts';
import { messageOf, PipelineError } from '@image-pipeline/shared/errors.ts';
import { jobMessage } from '@image-pipeline/shared/jobs/job-message.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import { originalKey, requestKey } from '@image-pipeline/shared/store/keys.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { jsonBody } from '@image-pipeline/shared/store/read-object.ts';
import { v7 as uuidv7 } from 'uuid';
import type { InspectedImage } from './inspect-image.ts';
import type { UploadOptions } from './upload-options.ts';

export interface UploadImageDeps {
  readonly store: Pick<ObjectStore, 'put' | 'putIfAbsent' | 'remove'>;
  /** `publish` resolves once the broker has confirmed. */
  readonly publisher: Pick<Publisher, 'publish'>;
  /** Called for every accepted job; must not throw. */
  readonly onAccepted: (request: JobRequest) => void;
  readonly log: Logger;
}

/**
 * Accepts one image as a job: when this resolves, original and request are stored and the broker has confirmed the
 * message. If the publish is refused, both are removed. Without a confirm the message may have arrived, so nothing is
 * removed.
 * @throws StoreUnavailable, PublishRefused, PublishUnconfirmed: the job is not accepted
 */
export async function uploadImage(
  image: InspectedImage,
  options: UploadOptions,
  deps: UploadImageDeps,
): Promise<JobRequest> {
  const request = requestFor(image, options, newIdentity());
  await storeOriginal(image, request.job_id, deps);
  await storeRequest(request, deps);
  try {
    await deps.publisher.publish(jobMessage(request));
  } catch (error) {
    if (error instanceof PublishRefused) await undo(request, deps);
    throw error;
  }
  reportAccepted(request, deps);
  return request;
}

/** What distinguishes a job from another of the same image. */
export interface JobIdentity {
  readonly job_id: string;
  /** RFC 3339 */
  readonly submitted_at: string;
}

function newIdentity(): JobIdentity {
  return { job_id: uuidv7(), submitted_at: new Date().toISOString() };
}

export function requestFor(
  { name, contentType, content: { size, sha256 } }: InspectedImage,
  options: UploadOptions,
  { job_id, submitted_at }: JobIdentity,
): JobRequest {
  return {
    version: 1,
    job_id,
    run: 1,
    submitted_at,
    original: { name, content_type: contentType, size, sha256 },
    operations: [...options.operations],
    output: options.output,
    ...(options.callbackUrl === undefined ? {} : { callback_url: options.callbackUrl }),
  };
}

export async function storeOriginal(
  { content }: InspectedImage,
  jobId: string,
  { store }: Pick<UploadImageDeps, 'store'>,
): Promise<void> {
  await store.put(originalKey(jobId), content.read(), content);
}

async function storeRequest(request: JobRequest, { store }: UploadImageDeps): Promise<void> {
  const isOurs = await store.putIfAbsent(requestKey(request.job_id, request.run), jsonBody(request));
  if (!isOurs) throw new PipelineError('internal_error', `the job id ${request.job_id} exists already`);
}

export function reportAccepted(request: JobRequest, { onAccepted, log }: UploadImageDeps): void {
  onAccepted(request);
  const { job_id, original } = request;
  log.info({ job_id, file: original.name, size: original.size, type: original.content_type }, 'accepted');
}

/** What cannot be removed now stays in the store; no client knows of it. */
async function undo({ job_id, run }: JobRequest, { store, log }: UploadImageDeps): Promise<void> {
  try {
    await store.remove(requestKey(job_id, run));
    await store.remove(originalKey(job_id));
  } catch (error) {
    log.warn({ job_id, reason: messageOf(error) }, 'could not remove the objects of a refused upload');
  }
}
