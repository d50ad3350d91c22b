import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { knowsWorkers, type Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';
import { z } from 'zod';
import type { QueueSample } from './queue-metrics.ts';
import type { CachedSnapshot } from './snapshot-cache.ts';

const perSecond = z.number().min(0).nullable();

/** What each figure is: in the OpenAPI document, and in `_meta` of the answer itself. */
export const serverStatusDescriptions = {
  server_status: '1 while the API can hand jobs to RabbitMQ, 0 while it cannot; as of this moment',
  'rates.publish': 'jobs a second that came into the queue; null where it is not known',
  'rates.deliver': 'jobs a second that workers took from it',
  'rates.ack': 'jobs a second that workers were done with',
  client_status: 'workers that are there; null where it is not known',
  updated_at:
    'when rates and client_status were looked at, in seconds since 1970; null where they never were',
} as const;

const described = <Schema extends z.ZodType>(schema: Schema, name: keyof typeof serverStatusDescriptions) =>
  schema.meta({ description: serverStatusDescriptions[name] });

/** `GET /server/status`, as `reference/4` shows it. */
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
    _meta: z.record(z.string(), z.string()).meta({ description: 'What each field is.' }),
    _cache: z.object({
      cached: z
        .boolean()
        .meta({ description: 'Whether it comes from memory; false where it was asked for just now.' }),
      age_seconds: z.int().min(0).nullable().meta({
        description: 'Of rates and client_status, in whole seconds; null where nothing is known.',
      }),
      source: z.enum(['monitoring', 'last_good', 'broker']).meta({
        description:
          '`monitoring`: as new as they should be; `last_good`: monitoring, or what it looks at, is away; `broker`: monitoring was never there, so the queue itself was looked at.',
      }),
    }),
  })
  .meta({ id: 'ServerStatus' });

export type ServerStatus = z.output<typeof serverStatusSchema>;

/** `GET /server/status/debug`, as `reference/4` shows it. */
export const cacheStateSchema = z
  .discriminatedUnion('cached', [
    z.object({
      cached: z.literal(true),
      updated_at: z.number().meta({ description: serverStatusDescriptions.updated_at }),
      age_seconds: z.number().min(0),
      ttl: z.int().min(0).meta({ description: 'Seconds for which it will still count as current.' }),
      is_fresh: z
        .boolean()
        .meta({ description: 'Whether it is younger than the interval at which monitoring looks.' }),
    }),
    z.object({ cached: z.literal(false) }),
  ])
  .meta({ id: 'CacheState' });

export type CacheState = z.output<typeof cacheStateSchema>;

export interface ServerStatusInput {
  /** RabbitMQ's figures by monitoring; undefined where monitoring never had any. */
  readonly known: CachedSnapshot | undefined;
  /** The queue of jobs, where those are missing and the broker ever told. */
  readonly sample: QueueSample | undefined;
  /** Whether a job could be published right now. */
  readonly isUp: boolean;
}

type StatusFields = Pick<ServerStatus, 'rates' | 'client_status' | 'updated_at' | '_cache'>;

const unknownRates = { publish: null, deliver: null, ack: null } as const;

/** What `GET /server/status` answers. */
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

/** Passively a queue tells no rates; each worker is one consumer of it. */
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

/** What `GET /server/status/debug` answers. @param ttlSeconds for which figures count as current */
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
