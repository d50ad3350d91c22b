import { z } from 'zod';

const count = z.int().min(0).nullable();

/** `GET /queue/status`, as `reference/3` shows it. Null is "not known", never zero. */
export const queueStatusSchema = z
  .object({
    queue_size: count.meta({ description: 'Jobs that wait for a worker.' }),
    max_queue_size: count.meta({ description: 'The most that ever waited at once, by events.' }),
    processing: count.meta({ description: 'Jobs that workers have in hand.' }),
    max_processing: count.meta({ description: 'The most that were ever in hand at once, by events.' }),
    max_concurrent: count.meta({ description: 'Jobs that all live workers together can have in hand.' }),
    total_processed: count.meta({ description: 'Runs that completed; failed ones are not counted.' }),
    total_failed: count.meta({ description: 'Runs that failed for good.' }),
    estimated_wait_time: z.number().min(0).nullable().meta({
      description:
        'Seconds until a worker would take a job that came now. Null while no worker lives or none has completed a job yet, and while RabbitMQ takes no jobs.',
    }),
  })
  .meta({ id: 'QueueStatus' });

export type QueueStatus = z.output<typeof queueStatusSchema>;
