import {
  decodeMessage,
  type ReceivedMessage,
  REPUBLISHED_HEADER,
} from '@image-pipeline/shared/broker/received-message.ts';
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
import { describeProblems, validate } from '@image-pipeline/shared/validation.ts';
import { v7 as uuidv7 } from 'uuid';

/** One attempt at a job. */
export interface JobContext {
  readonly request: JobRequest;
  /** The timeline entries of earlier attempts. */
  readonly history: readonly TimelineEntry[];
  /** From 1; counts attempts across retry delays, not redeliveries. */
  readonly attempt: number;
  readonly attemptId: string;
  /** The timeline entry of the redelivery, if another worker had the job before. */
  readonly redelivered: Redelivery | undefined;
  /** The timeline entry of this attempt's start. */
  readonly started: TimelineEntry & { readonly worker: string };
  /** Aborts when the worker stops or the channel is closed: no use in waiting for the store or the broker. */
  readonly signal: AbortSignal;
  readonly log: Logger;
}

type Redelivery = TimelineEntry & {
  readonly worker: string;
  readonly delivery: number;
  readonly reason: string;
};

/** RabbitMQ does not say why it delivers a message again, but it does so only when the consumer has gone. */
const CONNECTION_LOST = 'Connection lost: the worker that had the job disconnected before it finished.';
const HELD_TOO_LONG = 'The worker that had the job was unable to finish it for a long time.';

/** @throws PermanentFailure `invalid_job` */
export function openJob(
  received: ReceivedMessage,
  context: {
    readonly worker: string;
    /** Undefined for a slow image. */
    readonly slot: number | undefined;
    readonly stopping: AbortSignal;
    readonly log: Logger;
  },
): JobContext {
  const { history, ...request } = readMessage(received.content);
  const attempt = readAttempt(received.headers);
  const { job_id, run } = request;
  const log = context.log.child({ job_id, run, attempt });
  const { worker } = context;
  const delivery = received.deliveryNumber;
  const reason = delivery === 1 ? undefined : reasonOf(received);
  const at = new Date().toISOString();
  if (reason !== undefined) log.warn({ delivery, reason }, 'redelivered');
  return {
    request,
    history,
    attempt,
    attemptId: uuidv7(),
    redelivered:
      reason === undefined ? undefined : { state: 'redelivered', at, run, attempt, worker, delivery, reason },
    started: {
      state: 'processing',
      at,
      run,
      attempt,
      worker,
      ...(context.slot === undefined ? {} : { slot: context.slot }),
      ...(reason === undefined ? {} : { redelivered: true, delivery }),
    },
    signal: AbortSignal.any([received.lost, context.stopping]),
    log,
  };
}

function reasonOf({ headers }: ReceivedMessage): string {
  const isCopy = headers[REPUBLISHED_HEADER] !== undefined && headers['x-delivery-count'] === undefined;
  return isCopy ? HELD_TOO_LONG : CONNECTION_LOST;
}

/** The timeline entries of the start of this attempt. */
export function startEntries({ redelivered, started }: JobContext): readonly TimelineEntry[] {
  return redelivered === undefined ? [started] : [redelivered, started];
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
  const { data, problems } = validate(jobMessageSchema, json);
  if (problems !== undefined) {
    throw new PermanentFailure(
      'invalid_job',
      `The message is not a valid job: ${describeProblems(problems)}`,
    );
  }
  return data;
}

function readAttempt(headers: ReceivedMessage['headers']): number {
  const attempt = attemptHeaderSchema.safeParse(headers['x-attempt']);
  if (!attempt.success) throw new PermanentFailure('invalid_job', BAD_ATTEMPT_HEADER);
  return attempt.data;
}
