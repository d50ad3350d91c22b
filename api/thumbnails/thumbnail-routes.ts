import type { RequestQueue } from '@image-pipeline/shared/request-queue.ts';
import type { RequestHandler } from 'express';
import { z } from 'zod';
import { clientAddress, clientGone, jobIdOf } from '../http/request.ts';
import { isKnownToCaller, setImageHeaders } from '../jobs/image-route.ts';
import type { Thumbnails } from './thumbnails.ts';

/** `GET /thumbnail/{job_id}`: from memory or, queued, from the store, because a page requests many at once. */
export function thumbnailRoute(thumbnails: Pick<Thumbnails, 'known' | 'get'>): RequestHandler {
  return async (request, response) => {
    const jobId = jobIdOf(request);
    const known = thumbnails.known(jobId);
    if (known !== undefined && isKnownToCaller(request, known)) {
      setImageHeaders(response, known);
      response.status(304).end();
      return;
    }
    const { image, bytes } = await thumbnails.get(jobId, clientAddress(request), clientGone(response));
    if (isKnownToCaller(request, image)) {
      setImageHeaders(response, image);
      response.status(304).end();
      return;
    }
    setImageHeaders(response, image, bytes.length);
    response.end(request.method === 'HEAD' ? undefined : bytes);
  };
}

const count = z.int().min(0);

export const queueStatsSchema = z
  .object({
    queue: z
      .object({
        max_concurrent: z.int().min(1).meta({ description: '`UPSTREAM_MAX_CONCURRENT`' }),
        min_interval: z.number().min(0).meta({ description: '`UPSTREAM_MIN_INTERVAL`, in seconds' }),
        active_requests: count.meta({ description: 'Thumbnails that are being read now.' }),
        waiting_requests: count.meta({ description: 'Thumbnail reads in the queue.' }),
        total_requests: count.meta({ description: 'Reads since the start, successful or not.' }),
        avg_wait_time: z.number().min(0).meta({ description: 'Mean wait in the queue, in seconds.' }),
      })
      .meta({ description: 'The queue in front of the object store.' }),
    cache: z.object({
      thumbnail_count: count.meta({ description: 'Thumbnails in memory.' }),
      thumbnail_ttl: z.number().meta({ description: 'How long a thumbnail is cached, in seconds.' }),
    }),
  })
  .meta({ id: 'QueueStats' });

export type QueueStats = z.output<typeof queueStatsSchema>;

/** `GET /api/v1/queue/stats`: the queue in front of the store, and the thumbnail cache. */
export function queueStatsRoute(
  queue: Pick<RequestQueue, 'getStats'>,
  thumbnails: Pick<Thumbnails, 'getStats'>,
): RequestHandler {
  return (_request, response) => {
    const stats = queue.getStats();
    const body: QueueStats = {
      queue: { ...stats, avg_wait_time: Math.round(stats.avg_wait_time * 1_000) / 1_000 },
      cache: thumbnails.getStats(),
    };
    response.setHeader('Cache-Control', 'no-store');
    response.json(body);
  };
}
