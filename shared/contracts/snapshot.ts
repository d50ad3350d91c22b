import { z } from 'zod';
import { queueNames } from '../broker/topology.ts';

const count = z.int().min(0);
const perSecond = z.number().min(0);
const seconds = z.number().min(0);
const share = z.number().min(0).max(1);
const timestamp = z.iso.datetime();

/** A data source and the age of its data. */
const sourceSchema = z.object({
  /** `ok`: the newest poll succeeded; `unavailable`: it failed, the data is of the last successful one; `never`: none succeeded yet. */
  state: z.enum(['ok', 'unavailable', 'never']),
  updated_at: timestamp.nullable(),
  age_seconds: seconds.nullable(),
  /** Why it is unavailable. */
  reason: z.string().nullable(),
});

const queueMetricsSchema = z.object({
  name: z.string(),
  /** Messages that wait for a consumer, from RabbitMQ itself at the time of the refresh; null before the first refresh. */
  ready: count.nullable(),
  /** Unacknowledged messages, from the management API; null while it does not report them. */
  unacked: count.nullable(),
  /**
   * Messages per second, as RabbitMQ samples them every 5 s. It does not count dead-lettered messages as published, nor
   * jobs that return from a retry queue; null if a queue gets only such messages.
   */
  publish_rate: perSecond.nullable(),
  deliver_rate: perSecond,
  ack_rate: perSecond,
  /** As `ready`. */
  consumers: count.nullable(),
  /** Waiting time of the oldest job of the queue, from events; null if unknown. */
  head_age_seconds: seconds.nullable(),
});

const workerMetricsSchema = z.object({
  name: z.string(),
  /** Jobs it can process at a time (its prefetch); null while RabbitMQ does not report it. */
  slots: count.nullable(),
  /** Jobs in progress: started and not finished, from events. */
  busy: count,
  /** Utilization of its slots over the last minute, 0 to 1; null while the slots are unknown. */
  utilisation: share.nullable(),
  last_seen: timestamp,
  /** False if it has stopped consuming; it is removed after a while. */
  live: z.boolean(),
});

const percentiles = z.object({ p50: seconds, p95: seconds, p99: seconds, mean: seconds });

/** Mean duration of each stage of completed jobs. */
export const latencyStages = ['total', 'wait', 'fetch', 'process', 'store', 'notify'] as const;
export type LatencyStage = (typeof latencyStages)[number];

const peak = z.object({ value: z.number().min(0), at: timestamp.nullable() });

export const totalsSchema = z.object({
  /** Runs of jobs: a replay counts again. */
  accepted: count,
  completed: count,
  failed: count,
  /** Attempts that were retried. */
  retried: count,
  /** Jobs that RabbitMQ delivered again because their worker did not finish them. */
  redelivered: count.default(0),
  /** Failed runs by error code. */
  failed_by_code: z.record(z.string(), count),
  /** Start of the counting. */
  since: timestamp.nullable(),
});

export const peaksSchema = z.object({
  /** Maximum length of the job queue at a refresh, and maximum number of jobs in progress, from events. */
  waiting: peak,
  processing: peak,
  /** Completed jobs per second, over a minute. */
  throughput_1m: peak,
  workers: peak,
});

/** The machine of the monitoring service; without Docker, also that of the workers. */
export const machineSchema = z.object({
  /** Operating system and architecture: `linux x64`. */
  platform: z.string(),
  /** CPUs available to a process. */
  cores: z.int().min(1),
  memory_bytes: count,
  /** Over the last minute; 0 on systems that do not measure it. */
  load_average: z.number().min(0),
});

const versionsSchema = z.object({
  pipeline: z.string(),
  node: z.string(),
  /** Null until monitoring has connected to RabbitMQ. */
  rabbitmq: z.string().nullable(),
});

/**
 * All metrics of one moment: the response of `GET /status` of the monitoring service. If a source is unavailable, its
 * last values are shown, and `sources` has their age. Null means "unknown", never zero.
 */
export const snapshotSchema = z
  .object({
    version: z.literal(1),
    updated_at: timestamp,
    age_seconds: seconds,
    /** Interval of refreshes. */
    interval_seconds: seconds,
    machine: machineSchema,
    versions: versionsSchema,
    sources: z.object({ management: sourceSchema, events: sourceSchema }),
    queues: z.array(queueMetricsSchema),
    /** Messages in the dead-letter queues; null while RabbitMQ does not report them. */
    dead_letters: z.object({ jobs: count.nullable(), webhooks: count.nullable() }),
    /** Active alarms of RabbitMQ, e.g. `memory on rabbit@host`; they block publishers. */
    alarms: z.array(z.string()),
    workers: z.array(workerMetricsSchema),
    /** All live workers together. */
    utilisation: z.object({ slots: count, busy: count, last_minute: share.nullable() }),
    /** Jobs: waiting for a worker (the length of the job queue), in progress and waiting for a retry (from events). */
    jobs: z.object({ queued: count, processing: count, retrying: count }),
    /** Completed and failed jobs per second. */
    throughput: z.object({
      completed_1m: perSecond,
      completed_5m: perSecond,
      failed_1m: perSecond,
      failed_5m: perSecond,
    }),
    /** Latency in seconds of jobs that completed in the window; null if there are none. */
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
        /** Neither finished nor unaccounted: waiting, in a retry queue or in progress. */
        open: count,
        /** Job messages in RabbitMQ; null while it does not report them. They lag by seconds. */
        in_broker: count.nullable(),
        /** Unfinished runs that have been in no queue for a while: always 0 in a healthy system. */
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

/** Whether the workers and their slots are known: at the start of RabbitMQ they take some seconds. */
export function knowsWorkers({ queues, workers }: Pick<Snapshot, 'queues' | 'workers'>): boolean {
  const consumers = queues.find(({ name }) => name === queueNames.process)?.consumers ?? null;
  const live = workers.filter((worker) => worker.live);
  return live.length === 0 ? consumers === 0 : live.every(({ slots }) => slots !== null);
}

/** The state of the pipeline at one refresh of monitoring's snapshot, in compact form. */
export const sampleSchema = z.object({
  at: timestamp,
  /** Jobs waiting for a worker, in progress, and waiting for a retry, as in the snapshot. */
  queued: count,
  processing: count,
  retrying: count,
  /** Length of `image.jobs.process`; null while RabbitMQ does not return it. */
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

/** The response of `GET /health` of a service: 200 while it is `ok`, else 503. */
export const healthSchema = z.object({
  /** `stale`: it was healthy, but its data is too old now; `error`: it has never been healthy. */
  status: z.enum(['ok', 'stale', 'error']),
  /** Seconds since it was last known to be healthy; null if it never was. */
  age_seconds: z.number().min(0).nullable(),
  /** What is wrong. */
  message: z.string().optional(),
});

export type Health = z.output<typeof healthSchema>;
