import type { RequestQueue } from '@image-pipeline/shared/request-queue.ts';
import type { RequestHandler } from 'express';
import type { QueueStatsAnswer } from './queue-stats-response.ts';
import type { Thumbnails } from './thumbnails.ts';

/** `GET /api/v1/queue/stats`: the line before the store, and what is kept so that it is not needed. */
export function queueStatsRoute(
  line: Pick<RequestQueue, 'getStats'>,
  thumbnails: Pick<Thumbnails, 'getStats'>,
): RequestHandler {
  return (_request, response) => {
    const queue = line.getStats();
    const answer: QueueStatsAnswer = {
      queue: { ...queue, avg_wait_time: Math.round(queue.avg_wait_time * 1_000) / 1_000 },
      cache: thumbnails.getStats(),
    };
    response.setHeader('Cache-Control', 'no-store');
    response.json(answer);
  };
}
