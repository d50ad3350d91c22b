import type { QueueStatus } from './queue-status-response.ts';
import { serverStatusMeanings, type CacheState, type ServerStatus } from './server-status-response.ts';

/** Answers as they look; a test holds them against the schemas. */
export const serverStatusExample: ServerStatus = {
  server_status: 1,
  rates: { publish: 8.4, deliver: 4, ack: 3.8 },
  client_status: 2,
  updated_at: 1_772_446_530.681,
  _meta: serverStatusMeanings,
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
