import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { knowsWorkers, type Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';
import { z } from 'zod';
import type { QueueSample } from './queue-metrics.ts';
import type { CachedSnapshot } from '@image-pipeline/shared/snapshot-cache.ts';

const perSecond = z.number().min(0).nullable();

/** Description of each field, for the OpenAPI document and the member `_meta`. */
export const serverStatusDescriptions = {
  server_status: '1 if the API can publish jobs to RabbitMQ now, else 0',
  'rates.publish': 'jobs per second published to the queue; null if unknown',
  'rates.deliver': 'jobs per second delivered to workers',
  'rates.ack': 'jobs per second acknowledged by workers',
  client_status: 'number of live workers; null if unknown',
  updated_at: 'when rates and client_status were measured, in seconds since 1970; null if never',
} as const;

const described = <Schema extends z.ZodType>(schema: Schema, name: keyof typeof serverStatusDescriptions) =>
  schema.meta({ description: serverStatusDescriptions[name] });

/** The response of `GET /server/status`. */
export const serverStatusSchema = z
  .object({
    server_status: described(z.union([z.literal(0), z.literal(1)]), 'server_status'),
    rates: z.object({
      publish: described(perSecond, 'rates.publish'),
      deliver: described(perSecond, 'rates.deliver'),
      ack: described(perSecond, 'rates.ack'),
    }),
    client_status: described(z.int().min(0).nullable(), 'client_status'),
    updated_at: described(z.number().nullable(), 'updated_at'),
    _meta: z.record(z.string(), z.string()).meta({ description: 'Description of each field.' }),
    _cache: z.object({
      cached: z
        .boolean()
        .meta({ description: 'Whether it is from memory; false if it was read for this request.' }),
      age_seconds: z.int().min(0).nullable().meta({
        description: 'Age of rates and client_status in whole seconds; null if unknown.',
      }),
      source: z.enum(['monitoring', 'last_good', 'broker']).meta({
        description:
          '`monitoring`: current; `last_good`: monitoring or one of its sources is unavailable, so this is its last data; `broker`: monitoring has never responded, so the queue itself was sampled.',
      }),
    }),
  })
  .meta({ id: 'ServerStatus' });

export type ServerStatus = z.output<typeof serverStatusSchema>;

/** The response of `GET /server/status/debug`. */
export const cacheStateSchema = z
  .discriminatedUnion('cached', [
    z.object({
      cached: z.literal(true),
      updated_at: z.number().meta({ description: serverStatusDescriptions.updated_at }),
      age_seconds: z.number().min(0),
      ttl: z.int().min(0).meta({ description: 'Seconds until it is no longer current.' }),
      is_fresh: z
        .boolean()
        .meta({ description: 'Whether it is younger than the update interval of monitoring.' }),
    }),
    z.object({ cached: z.literal(false) }),
  ])
  .meta({ id: 'CacheState' });

export type CacheState = z.output<typeof cacheStateSchema>;

export interface ServerStatusInput {
  /** Monitoring's data from RabbitMQ; undefined if it never had any. */
  readonly known: CachedSnapshot | undefined;
  /** The last sample of the job queue, if that is missing. */
  readonly sample: QueueSample | undefined;
  /** Whether a job could be published right now. */
  readonly isUp: boolean;
}

type StatusFields = Pick<ServerStatus, 'rates' | 'client_status' | 'updated_at' | '_cache'>;

const unknownRates = { publish: null, deliver: null, ack: null } as const;

/** Builds the response of `GET /server/status`. */
export function serverStatus({ known, sample, isUp }: ServerStatusInput): ServerStatus {
  const { _cache, ...fields } = known === undefined ? fromQueueSample(sample) : fromMonitoring(known);
  return { server_status: isUp ? 1 : 0, ...fields, _meta: serverStatusDescriptions, _cache };
}

function fromMonitoring({ snapshot, ageSeconds, updatedAt, isCurrent }: CachedSnapshot): StatusFields {
  return {
    rates: ratesOf(snapshot),
    client_status: knowsWorkers(snapshot) ? snapshot.workers.filter(({ live }) => live).length : null,
    updated_at: updatedAt,
    _cache: {
      cached: true,
      age_seconds: Math.floor(ageSeconds),
      source: isCurrent ? 'monitoring' : 'last_good',
    },
  };
}

/** A passive declare returns no rates; each worker is one consumer. */
function fromQueueSample(sample: QueueSample | undefined): StatusFields {
  return {
    rates: unknownRates,
    client_status: sample?.consumers ?? null,
    updated_at: sample?.updatedAt ?? null,
    _cache: {
      cached: sample?.isCurrent === false,
      age_seconds: sample === undefined ? null : Math.floor(sample.ageSeconds),
      source: sample?.isCurrent === false ? 'last_good' : 'broker',
    },
  };
}

function ratesOf({ queues }: Snapshot): ServerStatus['rates'] {
  const queue = queues.find(({ name }) => name === queueNames.process);
  if (queue === undefined) return unknownRates;
  return { publish: queue.publish_rate, deliver: queue.deliver_rate, ack: queue.ack_rate };
}

/** Builds the response of `GET /server/status/debug`. @param ttlSeconds maximum age of current data */
export function cacheState(known: CachedSnapshot | undefined, ttlSeconds: number): CacheState {
  if (known === undefined) return { cached: false };
  return {
    cached: true,
    updated_at: known.updatedAt,
    age_seconds: known.ageSeconds,
    ttl: Math.max(0, Math.ceil(ttlSeconds - known.ageSeconds)),
    is_fresh: known.ageSeconds < known.snapshot.interval_seconds,
  };
}
