import { machineSchema, sampleSchema } from '@image-pipeline/shared/contracts/snapshot.ts';
import { z } from 'zod';

export { sampleSchema, type Sample } from '@image-pipeline/shared/contracts/snapshot.ts';

const count = z.int().min(0);
const seconds = z.number().min(0);
const timestamp = z.iso.datetime();

export const scripts = ['bulk_upload', 'burst_test', 'capacity_test'] as const;

/** One job at the end of the run. Times are from its status. */
const jobRecordSchema = z.object({
  job_id: z.string(),
  /** File name of the uploaded image, without the prefix of the run. */
  image: z.string(),
  state: z.enum(['queued', 'processing', 'retrying', 'completed', 'failed']),
  /** Number of its burst, or of its step in a capacity test, from 1; null in a bulk upload. */
  group: z.int().min(1).nullable(),
  queued_at: timestamp,
  /** Start of the last attempt; null if no worker has started the job. */
  started_at: timestamp.nullable(),
  /** Null if the job has not ended. */
  ended_at: timestamp.nullable(),
  /** Worker of the last attempt. */
  worker: z.string().nullable(),
  attempts: z.int().min(1),
  /** The error code of a failed job. */
  error: z.string().nullable(),
});

const percentilesSchema = z.object({ p50: seconds, p95: seconds, p99: seconds, mean: seconds });

/** The result file of a load test. It can be analysed without the system. */
export const loadTestResultSchema = z.object({
  version: z.literal(1),
  script: z.enum(scripts),
  /** Unique; also the name of the file and the prefix of every uploaded image. */
  run_id: z.string(),
  /** All settings of the script, including defaults. */
  parameters: z.record(z.string(), z.union([z.string(), z.number()])),
  /** Set if the run is part of an experiment. Warm-up runs are not analysed. */
  experiment: z.object({ name: z.string(), repeat: z.int().min(1), warm_up: z.boolean() }).nullable(),
  started_at: timestamp,
  ended_at: timestamp,
  /** `saturated`: a capacity test stopped itself; `interrupted`: the user stopped k6. */
  stopped: z.enum(['finished', 'saturated', 'interrupted']),
  api_url: z.string(),
  /** The machine that monitoring runs on, at the start of the run; null if monitoring did not respond. */
  machine: machineSchema.nullable(),
  /** Hash of the host name, which distinguishes equal machines; null if unknown. */
  host: z.string().nullable().default(null),
  /** How the system runs: `compose` or `local`; null if k6 was not started by `make`. */
  runtime: z.string().nullable().default(null),
  /** Null: unknown. */
  versions: z.object({
    pipeline: z.string().nullable(),
    node: z.string().nullable(),
    rabbitmq: z.string().nullable(),
    k6: z.string().nullable(),
  }),
  /** Live workers at the start. */
  workers: z.array(z.object({ name: z.string(), slots: count.nullable() })),
  uploads: z.object({
    sent: count,
    accepted: count,
    /** By error code; `no_response` if the connection failed. */
    refused: z.record(z.string(), count),
    /** From the first byte of a request to the last of its response; null if none was sent. */
    seconds: percentilesSchema.nullable(),
  }),
  jobs: z.array(jobRecordSchema),
  /** Accepted jobs that did not end. */
  lost: count,
  /** Accepted jobs whose status could not be read at the end: they are missing in `jobs`. */
  unread: count.default(0),
  /** When each burst was sent; empty in other tests. */
  bursts: z.array(z.object({ number: z.int().min(1), size: count, at: timestamp })),
  /** The steps of a capacity test that were started; empty in other tests. */
  steps: z.array(
    z.object({
      number: z.int().min(1),
      /** Target of the step, in uploads per second. */
      rate: z.number().positive(),
      seconds,
      /** Uploads that k6 could not send because every virtual user was waiting for a result. */
      dropped: count,
    }),
  ),
  samples: z.array(sampleSchema),
});

export type Script = (typeof scripts)[number];
export type JobRecord = z.output<typeof jobRecordSchema>;
/** As written by a script: a field with a default may be missing. */
export type LoadTestResult = z.input<typeof loadTestResultSchema>;
