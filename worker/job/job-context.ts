import type { ReceivedMessage } from '@image-pipeline/shared/broker/consumer.ts';
import { decodeMessage } from '@image-pipeline/shared/broker/received-message.ts';
import {
  attemptHeaderSchema,
  BAD_ATTEMPT_HEADER,
  jobMessageSchema,
  type JobMessage,
  type JobRequest,
  type TimelineEntry,
} from '@image-pipeline/shared/contracts/job.ts';
import { messageOf, PermanentFailure } from '@image-pipeline/shared/errors.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';

/** One attempt at a job. */
export interface JobContext {
  readonly request: JobRequest;
  /** The timeline entries of earlier attempts. */
  readonly history: readonly TimelineEntry[];
  /** From 1; counts attempts across retry delays, not redeliveries. */
  readonly attempt: number;
  readonly attemptId: string;
  /** The timeline entry of this attempt's start. */
  readonly started: TimelineEntry & { readonly worker: string };
  /** Aborts when the worker stops or the channel is closed: no use in waiting for the store or the broker. */
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/** @throws PermanentFailure `invalid_job` */
export function openJob(
  received: ReceivedMessage,
  context: { readonly worker: string; readonly stopping: AbortSignal; readonly log: Logger },
): JobContext {
  const { history, ...request } = readMessage(received.content);
  const attempt = readAttempt(received.headers);
  const { job_id, run } = request;
  const log = context.log.child({ job_id, run, attempt });
  const redelivered = received.deliveryNumber > 1;
  if (redelivered) {
    log.warn({ delivery: received.deliveryNumber }, 'redelivered: an earlier worker did not finish the job');
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
    signal: AbortSignal.any([received.lost, context.stopping]),
    log,
  };
}

function readMessage(content: Buffer): JobMessage {
  let json: unknown;
  try {
    json = decodeMessage(content);
  } catch (error) {
    throw new PermanentFailure('invalid_job', `The message is not valid JSON: ${messageOf(error)}`, {
      cause: error,
    });
  }
  const message = jobMessageSchema.safeParse(json);
  if (!message.success) {
    throw new PermanentFailure(
      'invalid_job',
      `The message is not a valid job: ${z.prettifyError(message.error)}`,
    );
  }
  return message.data;
}

function readAttempt(headers: ReceivedMessage['headers']): number {
  const attempt = attemptHeaderSchema.safeParse(headers['x-attempt']);
  if (!attempt.success) throw new PermanentFailure('invalid_job', BAD_ATTEMPT_HEADER);
  return attempt.data;
}
