import { v7 as uuidv7 } from 'uuid';
import type { Delivery } from '@image-pipeline/shared/broker/consumer.ts';
import type { JobRequest, TimelineEntry } from '@image-pipeline/shared/contracts/job.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import { readJob } from './read-job.ts';

/** One attempt at a job: what everything about it needs to know. */
export interface JobInHand {
  readonly request: JobRequest;
  /** Hops of earlier attempts. */
  readonly history: readonly TimelineEntry[];
  readonly attempt: number;
  readonly attemptId: string;
  /** The hop of this attempt's start. */
  readonly started: TimelineEntry & { readonly worker: string };
  /** Aborts when waiting for store or broker makes no sense any more. */
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/** @throws PermanentFailure `invalid_job` */
export function takeInHand(
  delivery: Delivery,
  context: { readonly worker: string; readonly stopping: AbortSignal; readonly log: Logger },
): JobInHand {
  const { message, attempt } = readJob(delivery);
  const { history, ...request } = message;
  const { job_id, run } = request;
  const log = context.log.child({ job_id, run, attempt });
  const redelivered = delivery.deliveryNumber > 1;
  if (redelivered) {
    log.warn({ delivery: delivery.deliveryNumber }, 'delivered again: an earlier worker did not finish it');
  }
  return {
    request,
    history,
    attempt,
    attemptId: uuidv7(),
    started: {
      state: 'processing',
      at: new Date().toISOString(),
      run,
      attempt,
      worker: context.worker,
      ...(redelivered ? { redelivered } : {}),
    },
    signal: AbortSignal.any([delivery.lost, context.stopping]),
    log,
  };
}
