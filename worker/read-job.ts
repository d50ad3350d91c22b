import type { Delivery } from '@image-pipeline/shared/broker/consumer.ts';
import { jobMessageSchema, type JobMessage } from '@image-pipeline/shared/contracts/job.ts';
import { PermanentFailure, messageOf } from '@image-pipeline/shared/errors.ts';
import { z } from 'zod';

export interface Job {
  readonly message: JobMessage;
  /** From 1; counts tries on the retry ladder, not redeliveries. */
  readonly attempt: number;
}

const attemptSchema = z.int().min(1).max(1_000).default(1);

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
  const attempt = attemptSchema.safeParse(delivery.headers['x-attempt']);
  if (!attempt.success) {
    throw new PermanentFailure('invalid_job', 'the header x-attempt is not a whole number from 1');
  }
  return { message: message.data, attempt: attempt.data };
}
