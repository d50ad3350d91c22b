import { jobIdSchema } from '@image-pipeline/shared/contracts/job.ts';
import { z } from 'zod';
import { deadLetterListSchema, deadLetterStatsSchema } from '../contracts/dead-letter-answers.ts';
import { jobListAnswerSchema } from '../contracts/job-list-answer.ts';
import {
  deadLetterListQuerySchema,
  jobListQuerySchema,
  removalQuerySchema,
  statusQuerySchema,
} from '../contracts/queries.ts';
import {
  removalSchema,
  replayBegunSchema,
  replayPreviewSchema,
  replayStatusSchema,
} from '../contracts/replay-answers.ts';
import { replayBodySchema } from '../contracts/replay-body.ts';
import { statusAnswerSchema } from '../contracts/status-answer.ts';
import { acceptedJobSchema, acceptedJobsSchema } from '../contracts/upload-answer.ts';
import { REPLAYED_HEADER } from '../idempotency-key.ts';
import type { ProblemCode } from '../problem.ts';
import {
  acceptedExample,
  deadLetterListExample,
  deadLetterStatsExample,
  jobListExample,
  statusExample,
} from './examples.ts';
import {
  replayBegunExample,
  replayBodyExamples,
  replayPreviewExample,
  replayStatusExample,
} from './replay-examples.ts';
import { uploadFormSchema, uploadHeadersSchema } from './upload-form.ts';

/** One call of the API as callers see it. */
export interface Operation {
  readonly id: string;
  readonly tag: 'Images' | 'Jobs' | 'Dead letters' | 'Service';
  readonly summary: string;
  readonly description?: string;
  readonly path?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly headers?: z.ZodObject;
  readonly form?: z.ZodObject;
  readonly json?: { readonly schema: z.ZodObject; readonly examples: Readonly<Record<string, unknown>> };
  /** Media types by status; an undefined schema stands for bytes or text. */
  readonly answers: Readonly<Record<number, Answer>>;
  /** What it can answer beside `commonProblems`. */
  readonly problems: readonly ProblemCode[];
  /** Who has no token is refused. */
  readonly token?: 'always' | 'in production';
}

export interface Answer {
  readonly description: string;
  readonly types?: Readonly<Record<string, z.ZodType | undefined>>;
  readonly example?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What any call can answer. */
export const commonProblems: readonly ProblemCode[] = [
  'malformed_request',
  'request_timeout',
  'internal_error',
];

/** What any address can answer that is not in the table, or not with this method. */
export const elsewhereProblems: readonly ProblemCode[] = ['not_found', 'method_not_allowed'];

const jobPath = z.object({
  job_id: jobIdSchema.meta({
    description: 'As the upload answered it.',
    example: '01980a3e-7c1b-7d9a-8f00-3c2b1a0f9e8d',
  }),
});

const imageTypes = { 'image/png': undefined, 'image/jpeg': undefined, 'image/webp': undefined };
const imageHeaders = {
  ETag: 'The SHA-256 of the bytes; send it back as If-None-Match.',
  'Content-Disposition': 'The name of the upload, with the ending of this image.',
};
const unchanged = { description: 'Unchanged since the ETag in If-None-Match.' };
const jobProblems: readonly ProblemCode[] = ['job_not_found', 'store_unavailable'];
const imageProblems: readonly ProblemCode[] = [...jobProblems, 'not_ready', 'job_failed', 'result_gone'];
const changeProblems: readonly ProblemCode[] = [
  'unauthorized',
  'token_not_set',
  'invalid_parameter',
  'job_not_found',
  'not_in_dlq',
  'store_unavailable',
];
const replayPath = z.object({
  replay_id: z.string().meta({
    description: 'As the call that began it answered.',
    example: '01980a3e-7c1b-7d9a-8f00-3c2b1a0f9e8e',
  }),
});
const okAnswer = z.object({ status: z.literal('ok') });
const readyAnswer = z.object({ status: z.literal('ready') });
const notReadyAnswer = z.object({ status: z.literal('not_ready'), reason: z.string() });

/** Every call of the API. The routes of the server are typed by the keys of this table. */
export const operations = {
  'POST /upload': {
    id: 'uploadImages',
    tag: 'Images',
    summary: 'Hand in one or several images',
    description:
      'Answers 202 once the originals are stored and RabbitMQ has confirmed the jobs. The answer to one file is that job; to several, one verdict a file: 202 if at least one was accepted, else the problem of the first with the member `jobs`.',
    headers: uploadHeadersSchema,
    form: uploadFormSchema,
    answers: {
      202: {
        description: 'Accepted: nothing of it will be lost.',
        types: { 'application/json': z.union([acceptedJobSchema, acceptedJobsSchema]) },
        example: acceptedExample,
        headers: {
          Location: 'Where the status of the job is; of one file only.',
          RateLimit: 'What is left of the rate limit.',
          [REPLAYED_HEADER]: '`true`: an earlier upload with this key was accepted; these are its jobs.',
        },
      },
    },
    problems: [
      'no_file',
      'empty_file',
      'unexpected_field',
      'malformed_multipart',
      'file_too_large',
      'body_too_large',
      'too_many_files',
      'too_many_fields',
      'unsupported_type',
      'invalid_parameter',
      'idempotency_key_reused',
      'idempotency_key_in_hand',
      'webhooks_not_set_up',
      'rate_limited',
      'broker_unavailable',
      'publish_unconfirmed',
      'store_unavailable',
      'overloaded',
      'queue_full',
      'out_of_space',
    ],
  },
  'GET /status/{job_id}': {
    id: 'readStatus',
    tag: 'Jobs',
    summary: 'What became of a job',
    description: 'With `wait` the answer is held until the job has ended or the time is up.',
    path: jobPath,
    query: statusQuerySchema,
    answers: {
      200: {
        description: 'The job.',
        types: { 'application/json': statusAnswerSchema },
        example: statusExample,
      },
    },
    problems: [...jobProblems, 'invalid_parameter'],
  },
  'GET /jobs': {
    id: 'listJobs',
    tag: 'Jobs',
    summary: 'The newest jobs',
    description: 'In production the list needs the token; a job’s own id is enough for that job.',
    query: jobListQuerySchema,
    answers: {
      200: {
        description: 'One page.',
        types: { 'application/json': jobListAnswerSchema },
        example: jobListExample,
      },
    },
    problems: ['invalid_parameter', 'not_caught_up', 'unauthorized'],
    token: 'in production',
  },
  'GET /results/{job_id}': {
    id: 'readResult',
    tag: 'Images',
    summary: 'The finished image',
    path: jobPath,
    answers: {
      200: { description: 'The image.', types: imageTypes, headers: imageHeaders },
      304: unchanged,
    },
    problems: imageProblems,
  },
  'GET /originals/{job_id}': {
    id: 'readOriginal',
    tag: 'Images',
    summary: 'The image as it was uploaded',
    path: jobPath,
    answers: {
      200: {
        description: 'The image.',
        types: { ...imageTypes, 'image/gif': undefined },
        headers: imageHeaders,
      },
      304: unchanged,
    },
    problems: [...jobProblems, 'result_gone'],
  },
  'GET /thumbnail/{job_id}': {
    id: 'readThumbnail',
    tag: 'Images',
    summary: 'A small JPEG of the finished image',
    path: jobPath,
    answers: {
      200: { description: 'The image.', types: { 'image/jpeg': undefined }, headers: imageHeaders },
      304: unchanged,
    },
    problems: imageProblems,
  },
  'GET /dlq/stats': {
    id: 'readDeadLetterStats',
    tag: 'Dead letters',
    summary: 'How many jobs failed for good, and of what',
    description: 'In production it needs the token.',
    answers: {
      200: {
        description: 'Counts.',
        types: { 'application/json': deadLetterStatsSchema },
        example: deadLetterStatsExample,
      },
    },
    problems: ['store_unavailable', 'unauthorized'],
    token: 'in production',
  },
  'GET /dlq/messages': {
    id: 'listDeadLetters',
    tag: 'Dead letters',
    summary: 'Every job that failed for good, with its reason',
    description: 'Takes nothing out of the dead letter queue. In production it needs the token.',
    query: deadLetterListQuerySchema,
    answers: {
      200: {
        description: 'One page.',
        types: { 'application/json': deadLetterListSchema },
        example: deadLetterListExample,
      },
    },
    problems: ['invalid_parameter', 'store_unavailable', 'unauthorized'],
    token: 'in production',
  },
  'DELETE /dlq/messages': {
    id: 'removeDeadLetters',
    tag: 'Dead letters',
    summary: 'Remove dead letters',
    description:
      'Of the jobs `?id=…` (once or several times), or `?all=true`. One id that cannot be removed refuses them all. Their jobs stay failed; their messages leave the queue `image.jobs.dead` a moment later.',
    query: removalQuerySchema,
    answers: {
      200: {
        description: 'They are removed.',
        types: { 'application/json': removalSchema },
        example: { removed: 2 },
      },
    },
    problems: changeProblems,
    token: 'always',
  },
  'POST /dlq/replay': {
    id: 'replayDeadLetters',
    tag: 'Dead letters',
    summary: 'Have failed jobs done again',
    description:
      'Each gets a new run. The first one is replayed alone; when it has completed, up to ten at a time. The first that fails again stops the replay, and the rest stay dead. One replay goes on at a time; it outlives the API.',
    json: { schema: replayBodySchema, examples: replayBodyExamples },
    answers: {
      200: {
        description: 'Nothing was done: it was a dry run, or there are no such dead letters.',
        types: { 'application/json': replayPreviewSchema },
        example: replayPreviewExample,
      },
      202: {
        description: 'Begun.',
        types: { 'application/json': replayBegunSchema },
        example: replayBegunExample,
        headers: { Location: 'Where its progress is.' },
      },
    },
    problems: [...changeProblems, 'not_replayable', 'replay_running', 'body_too_large', 'broker_unavailable'],
    token: 'always',
  },
  'GET /dlq/replays/{replay_id}': {
    id: 'readReplay',
    tag: 'Dead letters',
    summary: 'How far a replay is',
    description: 'In production it needs the token.',
    path: replayPath,
    answers: {
      200: {
        description: 'Its progress.',
        types: { 'application/json': replayStatusSchema },
        example: replayStatusExample,
      },
    },
    problems: ['not_found', 'store_unavailable', 'unauthorized'],
    token: 'in production',
  },
  'GET /livez': {
    id: 'isAlive',
    tag: 'Service',
    summary: 'Whether the process answers',
    answers: { 200: { description: 'It does.', types: { 'application/json': okAnswer } } },
    problems: [],
  },
  'GET /readyz': {
    id: 'isReady',
    tag: 'Service',
    summary: 'Whether broker, store and event log are there',
    answers: {
      200: { description: 'They are.', types: { 'application/json': readyAnswer } },
      503: {
        description: 'Not all of them; the reason says which.',
        types: { 'application/json': notReadyAnswer },
      },
    },
    problems: [],
  },
  'GET /metrics': {
    id: 'readMetrics',
    tag: 'Service',
    summary: 'Figures for Prometheus',
    answers: { 200: { description: 'Prometheus text format.', types: { 'text/plain': undefined } } },
    problems: [],
  },
  'GET /openapi.json': {
    id: 'readOpenapi',
    tag: 'Service',
    summary: 'This document',
    answers: { 200: { description: 'OpenAPI 3.1.', types: { 'application/json': undefined } } },
    problems: [],
  },
  'GET /docs': {
    id: 'showDocs',
    tag: 'Service',
    summary: 'This document for people',
    answers: { 200: { description: 'A page.', types: { 'text/html': undefined } } },
    problems: [],
  },
  'GET /': {
    id: 'goToDocs',
    tag: 'Service',
    summary: 'Leads to the documentation',
    answers: { 302: { description: 'To /docs.', headers: { Location: '/docs' } } },
    problems: [],
  },
} as const satisfies Record<`${'GET' | 'POST' | 'DELETE'} /${string}`, Operation>;

export type Route = keyof typeof operations;
