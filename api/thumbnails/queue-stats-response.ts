import { z } from 'zod';

const count = z.int().min(0);

/** As `reference/2` has it. */
export const queueStatsAnswerSchema = z
  .object({
    queue: z
      .object({
        max_concurrent: z.int().min(1).meta({ description: '`UPSTREAM_MAX_CONCURRENT`' }),
        min_interval: z.number().min(0).meta({ description: '`UPSTREAM_MIN_INTERVAL`, in seconds' }),
        active_requests: count.meta({ description: 'Thumbnails that are being read at this moment.' }),
        waiting_requests: count.meta({ description: 'Thumbnails that wait for their turn.' }),
        total_requests: count.meta({ description: 'Reads that have ended since the start, well or not.' }),
        avg_wait_time: z.number().min(0).meta({ description: 'Mean wait for a turn, in seconds.' }),
      })
      .meta({ description: 'The line before the object store.' }),
    cache: z.object({
      thumbnail_count: count.meta({ description: 'Thumbnails in memory.' }),
      thumbnail_ttl: z.number().meta({ description: '`THUMBNAIL_CACHE_TTL`, in seconds' }),
    }),
  })
  .meta({ id: 'QueueStats' });

export type QueueStatsAnswer = z.output<typeof queueStatsAnswerSchema>;
