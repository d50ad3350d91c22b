import { z } from 'zod';
import { deadLetterListSchema, deadLetterStatsSchema } from './dead-letter-responses.ts';
import { deadLetterListQuerySchema, removalQuerySchema } from '../http/queries.ts';
import {
  removalSchema,
  replayBegunSchema,
  replayPreviewSchema,
  replayStatusSchema,
} from './replay-responses.ts';
import { replayBodySchema } from './replay-body.ts';
import type { ProblemCode } from '../http/problem.ts';
import { deadLetterListExample, deadLetterStatsExample } from '../openapi/examples.ts';
import {
  replayBegunExample,
  replayBodyExamples,
  replayPreviewExample,
  replayStatusExample,
} from './replay-examples.ts';
import type { Operations } from '../openapi/operation.ts';

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

/** Jobs that failed for good. */
export const deadLetterOperations = {
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
} as const satisfies Operations;
