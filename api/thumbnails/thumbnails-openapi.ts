import { queueStatsAnswerSchema } from './queue-stats-response.ts';
import { queueStatsExample } from '../openapi/examples.ts';
import type { Operations } from '../openapi/operation.ts';

/** The line before the object store. */
export const upstreamOperations = {
  'GET /api/v1/queue/stats': {
    id: 'readQueueStats',
    tag: 'Service',
    summary: 'How many thumbnails are read, wait for their turn and are kept',
    description: 'Of this replica, since it has started.',
    answers: {
      200: {
        description: 'Figures.',
        types: { 'application/json': queueStatsAnswerSchema },
        example: queueStatsExample,
      },
    },
    problems: [],
  },
} as const satisfies Operations;
