import { queueStatusSchema } from './queue-status-response.ts';
import { cacheStateSchema, serverStatusSchema } from './server-status-response.ts';
import { cacheStateExample, queueStatusExample, serverStatusExample } from './status-examples.ts';
import type { Operations } from '../openapi/operation.ts';

/** The pipeline as a whole. */
export const statusOperations = {
  'GET /server/status': {
    id: 'readServerStatus',
    tag: 'Status',
    summary: 'How the pipeline is, from memory',
    description:
      'Costs nothing upstream, however many ask, and answers whatever is away: the last good figures with their age, or what the queue itself tells.',
    answers: {
      200: {
        description: 'What is known.',
        types: { 'application/json': serverStatusSchema },
        example: serverStatusExample,
      },
    },
    problems: [],
  },
  'GET /server/status/debug': {
    id: 'readServerStatusCache',
    tag: 'Status',
    summary: 'How fresh `/server/status` is',
    answers: {
      200: {
        description: 'The state of the cache.',
        types: { 'application/json': cacheStateSchema },
        example: cacheStateExample,
      },
    },
    problems: [],
  },
  'GET /queue/status': {
    id: 'readQueueStatus',
    tag: 'Status',
    summary: 'How long the queue is, its peaks and totals, and how long a new job would wait',
    description: 'From memory, as `/server/status`. Null is "not known". Needs the token.',
    answers: {
      200: {
        description: 'What is known.',
        types: { 'application/json': queueStatusSchema },
        example: queueStatusExample,
        headers: { Age: 'How old the oldest of the figures are, in seconds.' },
      },
    },
    problems: ['unauthorized', 'token_not_set'],
    token: 'always',
  },
} as const satisfies Operations;
