import type { Delivery } from '@image-pipeline/shared/broker/consumer.ts';
import {
  attemptHeaderSchema,
  BAD_ATTEMPT_HEADER,
  jobMessageSchema,
  type JobMessage,
} from '@image-pipeline/shared/contracts/job.ts';
import { PermanentFailure, messageOf } from '@image-pipeline/shared/errors.ts';
import { z } from 'zod';

export interface Job {
  readonly message: JobMessage;
  /** From 1; counts tries on the retry ladder, not redeliveries. */
  readonly attempt: number;
}

/** The job in a delivery. @throws PermanentFailure `invalid_job` that says what is wrong with the message */
export function readJob(delivery: Delivery): Job {
  let json: unknown;
  try {
    json = JSON.parse(delivery.content.toString());
  } catch (error) {
    throw new PermanentFailure('invalid_job', `the message is not JSON: ${messageOf(error)}`, {
      cause: error,
    });
  }
  const message = jobMessageSchema.safeParse(json);
  if (!message.success) {
    throw new PermanentFailure('invalid_job', `the message is not a job: ${z.prettifyError(message.error)}`);
  }
  const attempt = attemptHeaderSchema.safeParse(delivery.headers['x-attempt']);
  if (!attempt.success) {
    throw new PermanentFailure('invalid_job', BAD_ATTEMPT_HEADER);
  }
  return { message: message.data, attempt: attempt.data };
}
