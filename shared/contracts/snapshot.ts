import { z } from 'zod';
import { queueNames } from '../broker/topology.ts';

const count = z.int().min(0);
const perSecond = z.number().min(0);
const seconds = z.number().min(0);
const share = z.number().min(0).max(1);
const timestamp = z.iso.datetime();

/** What a figure came from, and how old it is. */
export const sourceSchema = z.object({
  /** `ok`: the newest look succeeded; `away`: it failed, and what is shown is the last good; `never`: none succeeded yet. */
  state: z.enum(['ok', 'away', 'never']),
  updated_at: timestamp.nullable(),
  age_seconds: seconds.nullable(),
  /** Why it is away. */
  reason: z.string().nullable(),
});

export const queueMetricsSchema = z.object({
  name: z.string(),
  /** Messages that wait for a consumer, and those that consumers have in hand; null while RabbitMQ does not tell. */
  ready: count.nullable(),
  unacked: count.nullable(),
  /**
   * Messages a second, as RabbitMQ samples them every 5 s. It does not count as published what it dead-letters: jobs that
   * come back from the retry ladder; and null where nothing else comes in.
   */
  publish_rate: perSecond.nullable(),
  deliver_rate: perSecond,
  ack_rate: perSecond,
  consumers: count.nullable(),
  /** How long the oldest job of the queue waits there, by events; null where events do not tell. */
  head_age_seconds: seconds.nullable(),
});

export const workerMetricsSchema = z.object({
  name: z.string(),
  /** Jobs it can work on at once (its prefetch); null while RabbitMQ does not tell. */
  slots: count.nullable(),
  /** Jobs in hand: started and not ended, by events. */
  busy: count,
  /** The part of its slots that was busy over the last minute; null while the slots are not known. */
  utilisation: share.nullable(),
  last_seen: timestamp,
  /** False for one that has stopped consuming; it is left out after a while. */
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
  /** Since when these are counted. */
  since: timestamp.nullable(),
});

export const peaksSchema = z.object({
  /** Jobs that waited for a worker at once, and that were worked on at once, by events. */
  waiting: peak,
  processing: peak,
  /** Jobs completed a second, over a minute. */
  throughput_1m: peak,
  workers: peak,
});

/** The machine that monitoring runs on; without Docker, workers share it. */
export const machineSchema = z.object({
  /** Operating system and architecture: `linux x64`. */
  platform: z.string(),
  /** CPUs that a process may use. */
  cores: z.int().min(1),
  memory_bytes: count,
  /** Over the last minute; 0 on systems that do not measure it. */
  load_average: z.number().min(0),
});

export const versionsSchema = z.object({
  pipeline: z.string(),
  node: z.string(),
  /** Null until monitoring has been connected to RabbitMQ. */
  rabbitmq: z.string().nullable(),
});

/**
 * Everything that monitoring knows at one moment: what `GET /status` of its service answers. Figures of a source that is
 * away are the last good ones; `sources` says how old they are. Null is "not known", never zero.
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
    /** Messages in the queues of dead letters; null while RabbitMQ does not tell. */
    dead_letters: z.object({ jobs: count.nullable(), webhooks: count.nullable() }),
    /** What RabbitMQ complains of, e.g. `memory on rabbit@host`; publishing stops meanwhile. */
    alarms: z.array(z.string()),
    workers: z.array(workerMetricsSchema),
    /** All live workers together. */
    utilisation: z.object({ slots: count, busy: count, last_minute: share.nullable() }),
    /** Jobs by events: waiting for a worker, in hand, waiting for another attempt. */
    jobs: z.object({ queued: count, processing: count, retrying: count }),
    /** Jobs a second that completed, and that failed. */
    throughput: z.object({
      completed_1m: perSecond,
      completed_5m: perSecond,
      failed_1m: perSecond,
      failed_5m: perSecond,
    }),
    /** Of jobs that completed in the window, in seconds; null where none did. */
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
        /** Neither ended nor unaccounted: they wait, on a rung too, or are in hand. */
        open: count,
        /** Messages of jobs in RabbitMQ; null while it does not tell. It lags by seconds. */
        in_broker: count.nullable(),
        /** Runs that have not ended and that no queue has held for a while: 0 when all is well. */
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

/** Whether it knows who the workers are: RabbitMQ tells of consumers only some seconds after its start. */
export function knowsWorkers({ queues }: Pick<Snapshot, 'queues'>): boolean {
  const jobs = queues.find(({ name }) => name === queueNames.process);
  return jobs !== undefined && jobs.consumers !== null;
}
