import { createHash } from 'node:crypto';
import type { Broker } from '@image-pipeline/shared/broker/broker.ts';
import { exchangeNames, queueNames, routingKeys } from '@image-pipeline/shared/broker/topology.ts';
import type { JobRequest } from '@image-pipeline/shared/contracts/job.ts';
import type { Outcome } from '@image-pipeline/shared/contracts/outcome.ts';
import { readOutcome } from '@image-pipeline/shared/jobs/read-run.ts';
import { createMetrics } from '@image-pipeline/shared/metrics.ts';
import { originalKey } from '@image-pipeline/shared/store/keys.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { v7 as uuidv7 } from 'uuid';
import { expect, vi } from 'vitest';
import { testLog, testRetryDelays } from '../../testing/test-broker.ts';
import { JobIntake } from '../job-intake.ts';
import { createJobProcessor, type ProcessJobDependencies } from '../process-job.ts';
import type { ProcessedImage } from '../processors/process-image.ts';
import { createWorkerMetrics } from '../telemetry/worker-metrics.ts';

/** A broker and a store. */
interface Place {
  readonly broker: Broker;
  readonly store: ObjectStore;
}

/** What a pool returns for a processed image. The pool has its own tests. */
export const processed: ProcessedImage = {
  result: { bytes: Buffer.from('result'), contentType: 'image/png', extension: 'png', width: 2, height: 3 },
  thumbnail: {
    bytes: Buffer.from('thumb'),
    contentType: 'image/jpeg',
    extension: 'jpg',
    width: 1,
    height: 1,
  },
  source: { width: 4, height: 6 },
  timings: { decode_ms: 1, operations_ms: 1, encode_ms: 1, thumbnail_ms: 1 },
};

/** Consumes jobs like a worker with two slots. */
export async function startJobProcessor(
  { broker, store }: Place,
  dependencies: Pick<ProcessJobDependencies, 'pool'> & Partial<ProcessJobDependencies>,
): Promise<JobIntake> {
  const processJob = createJobProcessor({
    worker: 'worker-1',
    store,
    publisher: broker.publisher,
    countWorkers: () => Promise.resolve(1),
    retryDelays: testRetryDelays,
    maxFileBytes: 1_000_000,
    metrics: createWorkerMetrics(createMetrics('worker'), 2),
    stopping: new AbortController().signal,
    log: testLog,
    ...dependencies,
  });
  const intake = new JobIntake(
    () => [
      broker.consumer({
        queue: queueNames.process,
        prefetch: 2,
        onDelivery: (message) => processJob(message, false),
      }),
      broker.consumer({
        queue: queueNames.slow,
        prefetch: 1,
        onDelivery: (message) => processJob(message, true),
      }),
    ],
    Infinity,
  );
  await intake.start();
  return intake;
}

export function requestFor(bytes: Buffer): JobRequest {
  return {
    version: 1,
    job_id: uuidv7(),
    run: 1,
    submitted_at: new Date().toISOString(),
    original: {
      name: 'a.png',
      content_type: 'image/png',
      size: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    },
    operations: [{ type: 'filter', name: 'grayscale' }],
    output: { format: null, quality: 85 },
  };
}

/** Stores an original and publishes its job. */
export async function submitJob({ broker, store }: Place, bytes: Buffer): Promise<JobRequest> {
  const request = requestFor(bytes);
  await store.put(originalKey(request.job_id), bytes);
  await publishJob(broker, request);
  return request;
}

export function publishJob(
  broker: Broker,
  request: JobRequest,
  body: unknown = { ...request, history: [] },
): Promise<void> {
  return broker.publisher.publish({
    exchange: exchangeNames.jobs,
    routingKey: routingKeys.process,
    body,
    messageId: uuidv7(),
    correlationId: request.job_id,
    type: 'job',
    contentType: 'application/json',
    headers: { 'x-run': 1, 'x-attempt': 1 },
  });
}

/** Waits up to 10 s. */
export function awaitOutcome(store: ObjectStore, request: JobRequest, timeout = 10_000): Promise<Outcome> {
  return vi.waitFor(
    async () => {
      const outcome = await readOutcome(store, request.job_id, 1);
      expect(outcome).toBeDefined();
      return outcome as Outcome;
    },
    { timeout },
  );
}
