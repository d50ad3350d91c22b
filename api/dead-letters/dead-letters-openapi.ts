import { z } from 'zod';
import type { ProblemCode } from '../http/problem.ts';
import { EXAMPLE_JOB_ID, type Operations } from '../openapi/operation.ts';
import {
  deadLetterListQuerySchema,
  deadLetterListSchema,
  deadLetterStatsSchema,
  removalQuerySchema,
  removalSchema,
} from './dead-letter-routes.ts';
import { replayBodySchema } from './replay-request.ts';
import {
  replayBegunSchema,
  replayListSchema,
  replayPreviewSchema,
  replayStatusSchema,
} from './replay-routes.ts';

const deadLetterStatsExample = {
  count: 2,
  by_reason: { undecodable_image: 2 },
  by_operation: { resize: 2, watermark: 2 },
  oldest_age_seconds: 86.4,
};

const deadLetterListExample = {
  messages: [
    {
      job_id: EXAMPLE_JOB_ID,
      run: 1,
      attempts: 1,
      error: {
        code: 'undecodable_image',
        reason: 'The image cannot be decoded: the JPEG ends before its end marker.',
      },
      death: { reason: 'rejected', queue: 'image.jobs.process', at: '2026-01-02T03:04:06.000Z' },
      name: 'corrupted.jpg',
      operations: ['resize', 'watermark'],
      submitted_at: '2026-01-02T03:04:05.678Z',
      dead_lettered_at: '2026-01-02T03:04:06.123Z',
      status_url: `/status/${EXAMPLE_JOB_ID}`,
    },
  ],
  next_cursor: null,
};

const replayId = '01980a3e-7c1b-7d9a-8f00-3c2b1a0f9e8e';

/** Request bodies; tests parse them. Swagger UI sends the first one by default, so it is a dry run. */
export const replayBodyExamples = {
  'what would be replayed': { all: true, dry_run: true },
  'one job': { ids: [EXAMPLE_JOB_ID] },
  'at most ten that exceeded the deadline': { filter: { reason: 'deadline_exceeded' }, limit: 10 },
  'resizes older than a day': { filter: { operation: 'resize', older_than_seconds: 86_400 } },
};

export const replayPreviewExample = {
  dry_run: true,
  matching: 1,
  total: 1,
  jobs: deadLetterListExample.messages,
};

export const replayBegunExample = {
  replay_id: replayId,
  status_url: `/dlq/replays/${replayId}`,
  matching: 2,
  total: 2,
};

export const replayStatusExample = {
  replay_id: replayId,
  state: 'stopped',
  total: 2,
  replayed: 1,
  completed: 0,
  failed: 1,
  skipped: 0,
  remaining: 1,
  reason: `job ${EXAMPLE_JOB_ID} failed again in run 2 (undecodable_image)`,
  started_at: '2026-03-02T10:20:00.000Z',
  finished_at: '2026-03-02T10:20:00.412Z',
  jobs: [
    { job_id: EXAMPLE_JOB_ID, run: 2, state: 'failed', status_url: `/status/${EXAMPLE_JOB_ID}` },
    {
      job_id: '01980a3e-9f00-7000-8a11-1b2c3d4e5f60',
      run: 2,
      state: 'waiting',
      status_url: '/status/01980a3e-9f00-7000-8a11-1b2c3d4e5f60',
    },
  ],
};

const changeProblems: readonly ProblemCode[] = [
  'unauthorized',
  'token_not_set',
  'job_not_found',
  'not_in_dlq',
  'record_damaged',
  'store_unavailable',
];
const replayPath = z.object({
  replay_id: z.string().meta({
    description: 'From the response of `POST /dlq/replay`.',
    example: '01980a3e-7c1b-7d9a-8f00-3c2b1a0f9e8e',
  }),
});

/** The OpenAPI entries of dead letters. */
export const deadLetterOperations = {
  'GET /dlq/stats': {
    id: 'readDeadLetterStats',
    tag: 'Dead letters',
    summary: 'Get stats of dead letters',
    description: 'Needs the token in production.',
    responses: {
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
    summary: 'List dead letters',
    description: 'Consumes nothing from the dead-letter queue. Needs the token in production.',
    query: deadLetterListQuerySchema,
    responses: {
      200: {
        description: 'One page of dead letters.',
        types: { 'application/json': deadLetterListSchema },
        example: deadLetterListExample,
      },
    },
    problems: ['store_unavailable', 'unauthorized'],
    token: 'in production',
  },
  'DELETE /dlq/messages': {
    id: 'removeDeadLetters',
    tag: 'Dead letters',
    summary: 'Remove dead letters',
    description:
      'Select jobs with `?id=…` (may be repeated), or `?all=true`. If one id has no dead letter, none is removed. The jobs stay failed; their messages are removed from the queue `image.jobs.dead` a moment later.',
    query: removalQuerySchema,
    hasOneQuery: true,
    responses: {
      200: {
        description: 'Removed.',
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
    summary: 'Replay dead letters',
    description:
      'Each job gets a new run. The first one is replayed alone; once it has completed, up to ten at a time. The first that fails again stops the replay; the rest stay in the DLQ. Only one replay runs at a time; it survives restarts of the API.',
    json: { schema: replayBodySchema, examples: replayBodyExamples },
    responses: {
      200: {
        description: 'Nothing replayed: a dry run, or no dead letter matches.',
        types: { 'application/json': replayPreviewSchema },
        example: replayPreviewExample,
      },
      202: {
        description: 'Started.',
        types: { 'application/json': replayBegunSchema },
        example: replayBegunExample,
        links: { readReplay: 'replay_id' },
        headers: { Location: 'URL of its progress.' },
      },
    },
    problems: [
      ...changeProblems,
      'not_replayable',
      'replay_running',
      'body_too_large',
      'broker_unavailable',
      'publish_unconfirmed',
    ],
    token: 'always',
  },
  'GET /dlq/replays': {
    id: 'listReplays',
    tag: 'Dead letters',
    summary: 'List the newest replays',
    description: 'With the progress of each. Needs the token in production.',
    responses: {
      200: {
        description: 'The newest replays.',
        types: { 'application/json': replayListSchema },
        example: { replays: [replayStatusExample] },
      },
    },
    problems: ['store_unavailable', 'unauthorized'],
    token: 'in production',
  },
  'GET /dlq/replays/{replay_id}': {
    id: 'readReplay',
    tag: 'Dead letters',
    summary: 'Get the progress of a replay',
    description: 'Needs the token in production.',
    path: replayPath,
    responses: {
      200: {
        description: 'Its progress.',
        types: { 'application/json': replayStatusSchema },
        example: replayStatusExample,
      },
    },
    problems: ['not_found', 'record_damaged', 'store_unavailable', 'unauthorized'],
    token: 'in production',
  },
} as const satisfies Operations;
