import { createHash } from 'node:crypto';
import type { JobRequest } from '@image-pipeline/shared/contracts/job.ts';
import type { CompletedOutcome, StoredImage, Timings } from '@image-pipeline/shared/contracts/outcome.ts';
import { PermanentFailure, TransientFailure } from '@image-pipeline/shared/errors.ts';
import { originalKey, resultKey, thumbnailKey } from '@image-pipeline/shared/store/keys.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { readBytes } from '@image-pipeline/shared/store/read-object.ts';
import { waitForStore } from '@image-pipeline/shared/store/wait-for-store.ts';
import { inStage } from '@image-pipeline/shared/tracing/spans.ts';
import type { ImagePool } from '../image-pool/image-pool.ts';
import type { JobContext } from './job-context.ts';
import type { EncodedImage } from '../processors/process-image.ts';
import { stopwatch } from '../processors/stopwatch.ts';

export interface AttemptDependencies {
  readonly store: ObjectStore;
  readonly pool: Pick<ImagePool, 'process'>;
  readonly maxFileBytes: number;
}

/** The images that a successful attempt stored. */
export type AttemptResult = Pick<CompletedOutcome, 'source' | 'result' | 'thumbnail'> & {
  readonly timings: Omit<Timings, 'wait_ms'>;
};

/**
 * One attempt at a job: fetch the original, process it in a child process, store result and thumbnail under keys of
 * this attempt only. Waits while the store is unavailable.
 * @param isSlow whether the image is processed as a slow one
 * @throws PermanentFailure, TransientFailure of the image, and the reason of the job's signal when that aborts
 */
export async function attemptJob(
  { request, attemptId, signal, log }: JobContext,
  isSlow: boolean,
  dependencies: AttemptDependencies,
): Promise<AttemptResult> {
  const { store, pool } = dependencies;
  const clock = stopwatch();

  const bytes = await inStage('fetch original', () =>
    waitForStore(() => fetchOriginal(request, dependencies), signal, log),
  );
  const fetch_ms = clock();

  const { operations, output } = request;
  const contentType = request.original.content_type;
  const processed = await inStage('process image', () =>
    pool.process({ bytes, contentType, operations, output }, { isSlow, log }),
  );
  const process_ms = clock();

  const resultAt = resultKey(request.job_id, attemptId, processed.result.extension);
  const thumbnailAt = thumbnailKey(request.job_id, attemptId);
  const [result, thumbnail] = await inStage('store images', () =>
    Promise.all([
      waitForStore(() => storeImage(store, resultAt, processed.result), signal, log),
      waitForStore(() => storeImage(store, thumbnailAt, processed.thumbnail), signal, log),
    ]),
  );
  return {
    source: processed.source,
    result,
    thumbnail,
    timings: { fetch_ms, process_ms, store_ms: clock() },
  };
}

async function fetchOriginal(request: JobRequest, dependencies: AttemptDependencies): Promise<Buffer> {
  const bytes = await readBytes(dependencies.store, originalKey(request.job_id), dependencies.maxFileBytes);
  if (bytes === undefined) {
    throw new PermanentFailure('original_missing', 'The original image is missing from the store.');
  }
  if (createHash('sha256').update(bytes).digest('hex') !== request.original.sha256) {
    throw new TransientFailure(
      'original_damaged',
      'The stored original differs from the uploaded file (SHA-256 mismatch).',
    );
  }
  return bytes;
}

async function storeImage(store: ObjectStore, key: string, image: EncodedImage): Promise<StoredImage> {
  await store.put(key, image.bytes);
  return {
    key,
    content_type: image.contentType,
    size: image.bytes.length,
    sha256: createHash('sha256').update(image.bytes).digest('hex'),
    width: image.width,
    height: image.height,
  };
}
