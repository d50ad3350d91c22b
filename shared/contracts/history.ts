import { z } from 'zod';

const count = z.int().min(0);
const timestamp = z.iso.datetime();

/** The state of the pipeline at one refresh of monitoring's snapshot, in compact form. */
export const sampleSchema = z.object({
  at: timestamp,
  /** Jobs waiting for a worker, in progress, and waiting for a retry, by events. */
  queued: count,
  processing: count,
  retrying: count,
  /** Messages ready in `image.jobs.process`, as RabbitMQ counts them; null while it is unavailable. */
  ready: count.nullable(),
  /** Jobs that all live workers can process at once, and those they are processing. */
  slots: count,
  busy: count,
  /** Share of the slots that was busy over the last minute. */
  utilisation: z.number().min(0).max(1).nullable(),
  /** Totals since the pipeline was set up; null until they are known. */
  completed: count.nullable(),
  failed: count.nullable(),
});

/** The response of `GET /history` of the monitoring service. */
export const historySchema = z.object({
  /** Oldest first. */
  samples: z.array(sampleSchema),
  /** From one refresh to the next, at present. */
  interval_seconds: z.number().min(0),
});

export type Sample = z.output<typeof sampleSchema>;
export type History = z.output<typeof historySchema>;
