import { machineSchema, sampleSchema } from '@image-pipeline/shared/contracts/snapshot.ts';
import { z } from 'zod';

export { sampleSchema, type Sample } from '@image-pipeline/shared/contracts/snapshot.ts';

const count = z.int().min(0);
const seconds = z.number().min(0);
const timestamp = z.iso.datetime();

export const scripts = ['bulk_upload', 'burst_test', 'capacity_test'] as const;

/** One job as it was at the end of the run. Times are the system's own: its status reports them. */
export const jobRecordSchema = z.object({
  job_id: z.string(),
  /** Of the uploaded image, without the prefix of the run. */
  image: z.string(),
  state: z.enum(['queued', 'processing', 'retrying', 'completed', 'failed']),
  /** Which burst or which step of a capacity test it belongs to, from 1; null in a bulk upload. */
  group: z.int().min(1).nullable(),
  queued_at: timestamp,
  /** Of the last attempt; null where no worker has started it. */
  started_at: timestamp.nullable(),
  /** Null while it is open. */
  ended_at: timestamp.nullable(),
  /** That had the last attempt. */
  worker: z.string().nullable(),
  attempts: z.int().min(1),
  /** The error code of a failed job. */
  error: z.string().nullable(),
});

const percentilesSchema = z.object({ p50: seconds, p95: seconds, p99: seconds, mean: seconds });

/** The file that a load test writes: everything needed to understand it without the system it ran on. */
export const loadTestResultSchema = z.object({
  version: z.literal(1),
  script: z.enum(scripts),
  /** Unique; also the name of the file and the prefix of every uploaded image. */
  run_id: z.string(),
  /** All settings of the script, the defaults included. */
  parameters: z.record(z.string(), z.union([z.string(), z.number()])),
  /** Set where the run is one of several of an experiment. Runs of a warm-up are not analysed. */
  experiment: z.object({ name: z.string(), repeat: z.int().min(1), warm_up: z.boolean() }).nullable(),
  started_at: timestamp,
  ended_at: timestamp,
  /** `saturated`: a capacity test stopped itself; `interrupted`: somebody stopped k6. */
  stopped: z.enum(['finished', 'saturated', 'interrupted']),
  api_url: z.string(),
  /** The machine that monitoring runs on, at the start of the run; null where monitoring did not answer. */
  machine: machineSchema.nullable(),
  /** Hash of the machine's host name, which tells two equal machines apart; null where it is not known. */
  host: z.string().nullable().default(null),
  /** How the system runs: `compose` or `local`; null where k6 was not called by `make`. */
  runtime: z.string().nullable().default(null),
  /** Null where it is not known. */
  versions: z.object({
    pipeline: z.string().nullable(),
    node: z.string().nullable(),
    rabbitmq: z.string().nullable(),
    k6: z.string().nullable(),
  }),
  /** Live ones at the start. */
  workers: z.array(z.object({ name: z.string(), slots: count.nullable() })),
  uploads: z.object({
    sent: count,
    accepted: count,
    /** By error code; `no_response` where the connection failed. */
    refused: z.record(z.string(), count),
    /** From the first byte of a request to the last of its response; null where none was sent. */
    seconds: percentilesSchema.nullable(),
  }),
  jobs: z.array(jobRecordSchema),
  /** Accepted jobs that did not end. */
  lost: count,
  /** Accepted jobs whose status could not be read when the result was written: they are missing from `jobs`. */
  unread: count.default(0),
  /** When each burst was sent; empty in other tests. */
  bursts: z.array(z.object({ number: z.int().min(1), size: count, at: timestamp })),
  /** The steps of a capacity test that were begun; empty in other tests. */
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
/** As a script writes it: a field with a default may be missing. */
export type LoadTestResult = z.input<typeof loadTestResultSchema>;
