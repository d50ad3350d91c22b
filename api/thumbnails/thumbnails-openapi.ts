import { imageHeaders, imageProblems, unchanged } from '../jobs/jobs-openapi.ts';
import { jobPath, type Operations } from '../openapi/operation.ts';
import { type QueueStats, queueStatsSchema } from './thumbnail-routes.ts';

export const queueStatsExample: QueueStats = {
  queue: {
    max_concurrent: 3,
    min_interval: 0.1,
    active_requests: 2,
    waiting_requests: 1,
    total_requests: 145,
    avg_wait_time: 2.34,
  },
  cache: { thumbnail_count: 45, thumbnail_ttl: 120 },
};

/** The OpenAPI entry of the queue in front of the object store. */
export const upstreamOperations = {
  'GET /api/v1/queue/stats': {
    id: 'readQueueStats',
    tag: 'Service',
    summary: 'Get stats of thumbnail reads and cache',
    description: 'For this replica, since it started.',
    responses: {
      200: {
        description: 'Stats.',
        types: { 'application/json': queueStatsSchema },
        example: queueStatsExample,
      },
    },
    problems: [],
  },
} as const satisfies Operations;

export const thumbnailOperations = {
  'GET /thumbnail/{job_id}': {
    id: 'readThumbnail',
    tag: 'Images',
    summary: 'Get a thumbnail of the result',
    description:
      'From memory, or from the store with at most `UPSTREAM_MAX_CONCURRENT` concurrent reads; others wait in a queue.',
    path: jobPath,
    responses: {
      200: { description: 'The image.', types: { 'image/jpeg': undefined }, headers: imageHeaders },
      304: unchanged,
    },
    problems: imageProblems,
  },
} as const satisfies Operations;
