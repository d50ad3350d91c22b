import { createHash } from 'node:crypto';
import type { ReceivedMessage } from '@image-pipeline/shared/broker/consumer.ts';
import { decodeMessage } from '@image-pipeline/shared/broker/received-message.ts';
import { type DeadLetter, deathReasons } from '@image-pipeline/shared/contracts/dead-letter.ts';
import {
  attemptHeaderSchema,
  BAD_ATTEMPT_HEADER,
  jobIdSchema,
  jobMessageSchema,
  type JobRequest,
  jobRequestSchema,
} from '@image-pipeline/shared/contracts/job.ts';
import { messageOf } from '@image-pipeline/shared/errors.ts';
import { readTraceparent } from '@image-pipeline/shared/tracing/traceparent.ts';
import { describeProblems, validate } from '@image-pipeline/shared/validation.ts';
import { z } from 'zod';

/** A dead-lettered message: its job, and why it was dead-lettered. */
export interface Death {
  /** Derived from the bytes: the id of the dead letter if the message belongs to no job. */
  readonly messageId: string;
  /** The job that the message claims to be; `messageId` if it claims to be none. */
  readonly jobId: string;
  readonly run: number;
  readonly attempt: number;
  readonly death: DeadLetter['death'];
  readonly traceparent: string | undefined;
  /** Undefined if the message is no valid job. */
  readonly request: JobRequest | undefined;
  /** What is wrong with the message then; else empty. */
  readonly unreadableBecause: string;
}

const count = z.int().min(1).max(1_000_000);
const nameTag = z.object({ job_id: jobIdSchema, run: count });
const xDeath = z.array(
  z.object({
    reason: z.string(),
    queue: z.string(),
    // Seconds since 1970, up to the year 9999, the last one of RFC 3339.
    time: z.object({ value: z.number().min(0).max(253_402_300_799) }).optional(),
  }),
);

/** Reads a dead-lettered message. Never throws: `unreadableBecause` says what is wrong. */
export function readDeath(delivery: Pick<ReceivedMessage, 'content' | 'headers'>, now: Date): Death {
  const { headers } = delivery;
  const json = parseJson(delivery.content);
  const message = validate(jobMessageSchema, json.value);
  const attempt = attemptHeaderSchema.safeParse(headers['x-attempt']);
  const tag = message.data === undefined ? nameTag.safeParse(json.value) : message;
  const messageId = unreadableId(delivery.content);
  return {
    messageId,
    jobId: tag.data?.job_id ?? messageId,
    run: tag.data?.run ?? 1,
    attempt: attempt.data ?? 1,
    death: deathOf(headers['x-death'], now),
    traceparent: readTraceparent(headers),
    request: message.data && jobRequestSchema.parse(message.data),
    unreadableBecause:
      json.problem ??
      (message.problems && describeProblems(message.problems)) ??
      (attempt.success ? '' : BAD_ATTEMPT_HEADER),
  };
}

/** Identical messages are one dead letter. */
function unreadableId(content: Buffer): string {
  return `unreadable-${createHash('sha256').update(content).digest('hex').slice(0, 32)}`;
}

function parseJson(content: Buffer): { value?: unknown; problem?: string } {
  try {
    return { value: decodeMessage(content) };
  } catch (error) {
    return { problem: `the message is not JSON: ${messageOf(error)}` };
  }
}

/** The newest entry is the first. */
function deathOf(header: unknown, now: Date): DeadLetter['death'] {
  const last = xDeath.safeParse(header).data?.[0];
  const reason = deathReasons.find((known) => known === last?.reason) ?? 'other';
  const at = last?.time === undefined ? now : new Date(last.time.value * 1_000);
  return { reason, queue: last?.queue ?? 'unknown', at: at.toISOString() };
}
