import type { Operation, Operations } from '../openapi/operation.ts';
import { type QueueStatus, queueStatusSchema } from './queue-status.ts';
import {
  type CacheState,
  cacheStateSchema,
  type ServerStatus,
  serverStatusDescriptions,
  serverStatusSchema,
} from './server-status.ts';

export const serverStatusExample: ServerStatus = {
  server_status: 1,
  rates: { publish: 8.4, deliver: 4, ack: 3.8 },
  client_status: 2,
  updated_at: 1_772_446_530.681,
  _meta: serverStatusDescriptions,
  _cache: { cached: true, age_seconds: 1, source: 'monitoring' },
};

export const cacheStateExample: CacheState = {
  cached: true,
  updated_at: 1_772_446_530.681,
  age_seconds: 1.734,
  ttl: 14,
  is_fresh: true,
};

export const queueStatusExample: QueueStatus = {
  queue_size: 5,
  max_queue_size: 20,
  processing: 4,
  max_processing: 4,
  max_concurrent: 4,
  total_processed: 100,
  total_failed: 2,
  estimated_wait_time: 1.8,
};

const readServerStatus = {
  id: 'readServerStatus',
  tag: 'Status',
  summary: 'Get a summary of the pipeline',
  description:
    'Served from memory; always responds within a second. If something is unavailable, returns the last known data with its age, or a sample of the queue.',
  responses: {
    200: {
      description: 'The status.',
      types: { 'application/json': serverStatusSchema },
      example: serverStatusExample,
    },
  },
  problems: [],
} as const satisfies Operation;

/** The OpenAPI entries of the pipeline status. */
export const statusOperations = {
  'GET /server/status': readServerStatus,
  'GET /api/server/status': {
    ...readServerStatus,
    id: 'readServerStatusOfApi',
    summary: 'Get a summary of the pipeline, under another path',
    description: 'The same response as `GET /server/status`.',
  },
  'GET /server/status/debug': {
    id: 'readServerStatusCache',
    tag: 'Status',
    summary: 'Get the cache state of `/server/status`',
    description: 'For debugging: whether there is data, its age and how long until it is stale.',
    responses: {
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
    summary: 'Get queue length, peaks, totals and the estimated wait',
    description: 'Served from memory, like `/server/status`. Null means unknown. Needs the token.',
    responses: {
      200: {
        description: 'The status.',
        types: { 'application/json': queueStatusSchema },
        example: queueStatusExample,
        headers: { Age: 'Age of the oldest data, in seconds.' },
      },
    },
    problems: ['unauthorized', 'token_not_set'],
    token: 'always',
  },
} as const satisfies Operations;
