import { z } from 'zod';
import { queueNames } from '../broker/topology.ts';

const count = z.int().min(0);
const perSecond = z.number().min(0);
const seconds = z.number().min(0);
const share = z.number().min(0).max(1);
const timestamp = z.iso.datetime();

/** Where metrics come from, and their age. */
export const sourceSchema = z.object({
  /** `ok`: the newest sample succeeded; `away`: it failed, and the metrics are the last known; `never`: none succeeded yet. */
  state: z.enum(['ok', 'away', 'never']),
  updated_at: timestamp.nullable(),
  age_seconds: seconds.nullable(),
  /** Why it is unavailable. */
  reason: z.string().nullable(),
});

export const queueMetricsSchema = z.object({
  name: z.string(),
  /** Messages waiting for a consumer, and unacknowledged ones; null while RabbitMQ does not report them. */
  ready: count.nullable(),
  unacked: count.nullable(),
  /**
   * Messages per second, as RabbitMQ samples them every 5 s. Dead-lettered messages, including retried jobs, do not count as
   * published; null for queues that receive no others.
   */
  publish_rate: perSecond.nullable(),
  deliver_rate: perSecond,
  ack_rate: perSecond,
  consumers: count.nullable(),
  /** How long the oldest job of the queue has waited, from events; null if unknown. */
  head_age_seconds: seconds.nullable(),
});

export const workerMetricsSchema = z.object({
  name: z.string(),
  /** Jobs it can process at once (its prefetch); null while RabbitMQ does not report it. */
  slots: count.nullable(),
  /** Jobs in progress, from events. */
  busy: count,
  /** Share of its slots that was busy over the last minute; null while the slots are unknown. */
  utilisation: share.nullable(),
  last_seen: timestamp,
  /** False if it has stopped consuming; it is omitted after a while. */
  live: z.boolean(),
});

const percentiles = z.object({ p50: seconds, p95: seconds, p99: seconds, mean: seconds });

/** Where the time of completed jobs goes. */
export const latencyStages = ['total', 'wait', 'fetch', 'process', 'store', 'notify'] as const;
export type LatencyStage = (typeof latencyStages)[number];

const peak = z.object({ value: z.number().min(0), at: timestamp.nullable() });

export const totalsSchema = z.object({
  /** Runs of jobs: a replay counts again. */
  accepted: count,
  completed: count,
  failed: count,
  /** Attempts that were followed by another one. */
  retried: count,
  /** Failed runs by error code. */
  failed_by_code: z.record(z.string(), count),
  /** When counting started. */
  since: timestamp.nullable(),
});

export const peaksSchema = z.object({
  /** Maximum number of jobs waiting, and of jobs in progress, from events. */
  waiting: peak,
  processing: peak,
  /** Completed jobs per second, over a minute. */
  throughput_1m: peak,
  workers: peak,
});

/** The machine that monitoring runs on; without Docker, workers share it. */
export const machineSchema = z.object({
  /** Operating system and architecture: `linux x64`. */
  platform: z.string(),
  /** CPUs available to a process. */
  cores: z.int().min(1),
  memory_bytes: count,
  /** Over the last minute; 0 on systems without load averages. */
  load_average: z.number().min(0),
});

export const versionsSchema = z.object({
  pipeline: z.string(),
  node: z.string(),
  /** Null until monitoring has been connected to RabbitMQ. */
  rabbitmq: z.string().nullable(),
});

/**
 * The response of `GET /status` of the monitoring service: all metrics at one moment. Metrics of an unavailable source are the
 * last known ones; `sources` has their age. Null means unknown, never zero.
 */
export const snapshotSchema = z
  .object({
    version: z.literal(1),
    updated_at: timestamp,
    age_seconds: seconds,
    /** From one refresh to the next. */
    interval_seconds: seconds,
    machine: machineSchema,
    versions: versionsSchema,
    sources: z.object({ management: sourceSchema, events: sourceSchema }),
    queues: z.array(queueMetricsSchema),
    /** Messages in the dead-letter queues; null while RabbitMQ does not report them. */
    dead_letters: z.object({ jobs: count.nullable(), webhooks: count.nullable() }),
    /** Alarms of RabbitMQ, e.g. `memory on rabbit@host`, which block publishers. */
    alarms: z.array(z.string()),
    workers: z.array(workerMetricsSchema),
    /** All live workers together. */
    utilisation: z.object({ slots: count, busy: count, last_minute: share.nullable() }),
    /** Jobs waiting for a worker, in progress, and waiting for a retry, from events. */
    jobs: z.object({ queued: count, processing: count, retrying: count }),
    /** Jobs per second. */
    throughput: z.object({
      completed_1m: perSecond,
      completed_5m: perSecond,
      failed_1m: perSecond,
      failed_5m: perSecond,
    }),
    /** Of jobs that completed in the window, in seconds; null if there are none. */
    latency: z.object({
      window_seconds: seconds,
      samples: count,
      stages: z.record(z.enum(latencyStages), percentiles.nullable()),
    }),
    /** Jobs that failed in the last five minutes, by error code. */
    failures_5m: z.record(z.string(), count),
    totals: totalsSchema.nullable(),
    peaks: peaksSchema.nullable(),
    ledger: z
      .object({
        accepted: count,
        completed: count,
        failed: count,
        /** Neither ended nor unaccounted: waiting, also for a retry, or in progress. */
        open: count,
        /** Messages of jobs in RabbitMQ, which lags by seconds; null if unknown. */
        in_broker: count.nullable(),
        /** Runs that have not ended and have been in no queue for a while: normally 0. */
        unaccounted: count,
      })
      .nullable(),
  })
  .meta({ id: 'Snapshot' });

export type Snapshot = z.output<typeof snapshotSchema>;
export type Source = z.output<typeof sourceSchema>;
export type QueueMetrics = z.output<typeof queueMetricsSchema>;
export type WorkerMetrics = z.output<typeof workerMetricsSchema>;
export type Percentiles = z.output<typeof percentiles>;
export type Totals = z.output<typeof totalsSchema>;
export type Peaks = z.output<typeof peaksSchema>;

/** Whether the workers are known: RabbitMQ reports consumers only some seconds after its start. */
export function knowsWorkers({ queues }: Pick<Snapshot, 'queues'>): boolean {
  const jobs = queues.find(({ name }) => name === queueNames.process);
  return jobs !== undefined && jobs.consumers !== null;
}
