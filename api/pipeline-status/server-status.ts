import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { knowsWorkers, type Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';
import { serverStatusMeanings, type CacheState, type ServerStatus } from './server-status-response.ts';
import type { QueueLook } from './queue-sample.ts';
import type { Known } from './snapshot-cache.ts';

export interface ServerStatusInput {
  /** RabbitMQ's figures by monitoring; undefined where monitoring never had any. */
  readonly known: Known | undefined;
  /** The queue of jobs, where those are missing and the broker ever told. */
  readonly look: QueueLook | undefined;
  /** Whether a job could be published right now. */
  readonly isUp: boolean;
}

type Figures = Pick<ServerStatus, 'rates' | 'client_status' | 'updated_at' | '_cache'>;

const unknownRates = { publish: null, deliver: null, ack: null } as const;

/** What `GET /server/status` answers. */
export function serverStatus({ known, look, isUp }: ServerStatusInput): ServerStatus {
  const { _cache, ...figures } = known === undefined ? lookedAt(look) : fromMonitoring(known);
  return { server_status: isUp ? 1 : 0, ...figures, _meta: serverStatusMeanings, _cache };
}

function fromMonitoring({ snapshot, ageSeconds, updatedAt, isCurrent }: Known): Figures {
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
function lookedAt(look: QueueLook | undefined): Figures {
  return {
    rates: unknownRates,
    client_status: look?.consumers ?? null,
    updated_at: look?.updatedAt ?? null,
    _cache: {
      cached: look?.isCurrent === false,
      age_seconds: look === undefined ? null : Math.floor(look.ageSeconds),
      source: look?.isCurrent === false ? 'last_good' : 'broker',
    },
  };
}

function ratesOf({ queues }: Snapshot): ServerStatus['rates'] {
  const queue = queues.find(({ name }) => name === queueNames.process);
  if (queue === undefined) return unknownRates;
  return { publish: queue.publish_rate, deliver: queue.deliver_rate, ack: queue.ack_rate };
}

/** What `GET /server/status/debug` answers. @param ttlSeconds for which figures count as current */
export function cacheState(known: Known | undefined, ttlSeconds: number): CacheState {
  if (known === undefined) return { cached: false };
  return {
    cached: true,
    updated_at: known.updatedAt,
    age_seconds: known.ageSeconds,
    ttl: Math.max(0, Math.ceil(ttlSeconds - known.ageSeconds)),
    is_fresh: known.ageSeconds < known.snapshot.interval_seconds,
  };
}
