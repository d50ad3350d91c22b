import { arch, availableParallelism, loadavg, platform, totalmem } from 'node:os';
import type { QueueCounts } from '@image-pipeline/shared/broker/queue-inspector.ts';
import { queueNames, type RetryDelay } from '@image-pipeline/shared/broker/topology.ts';
import type { Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';
import { WINDOW_MS, type PipelineMetrics } from '../pipeline-metrics.ts';
import { latencyOf, failuresByCode, throughputOf } from '../runs/ended-runs.ts';
import { ledgerOf } from '../ledger/lost-runs.ts';
import {
  type KnownWorker,
  KnownWorkers,
  UTILISATION_WINDOW_MS,
  utilisationOfAll,
  workerTable,
} from '../runs/workers.ts';
import { countOpenRuns, headAges } from '../runs/open-runs.ts';
import type { BrokerSample } from '../management/sample-broker.ts';
import manifest from '../package.json' with { type: 'json' };

/** The snapshot without the members that change with time: its age and that of its sources. */
export type SnapshotBody = Omit<Snapshot, 'age_seconds' | 'interval_seconds' | 'sources'>;

export type QueueCountsByName = ReadonlyMap<string, QueueCounts>;

interface SnapshotInput {
  /** Undefined until the stored totals have been read. */
  readonly pipeline: Omit<PipelineMetrics, 'onEvent' | 'onSample' | 'onSampleFailed'> | undefined;
  /** The newest sample of RabbitMQ; undefined until the first one. */
  readonly broker: BrokerSample | undefined;
  /** The newest length and consumers of the queues, from RabbitMQ itself; undefined until the first count. */
  readonly counts: QueueCountsByName | undefined;
  /** Time of that sample, in milliseconds since 1970. */
  readonly sampledAt: number | undefined;
  /** The version of RabbitMQ; undefined before the first connection. */
  readonly brokerVersion: string | undefined;
  /** The retry delays, by attempt. */
  readonly retryDelays: readonly RetryDelay[];
  /** Milliseconds since 1970. */
  readonly now: number;
}

export function buildSnapshot(input: SnapshotInput): SnapshotBody {
  const { pipeline, broker, counts, sampledAt, brokerVersion, retryDelays, now } = input;
  const unaccounted = pipeline?.unaccounted ?? 0;
  const known = pipeline?.workers ?? workersIn(broker, sampledAt ?? now);
  const open = pipeline?.accountedRuns ?? [];
  const ends = pipeline?.ends.between(now - WINDOW_MS, Infinity) ?? [];
  const workers = workerTable({
    known,
    open,
    attempts: pipeline?.attempts.between(now - UTILISATION_WINDOW_MS, Infinity) ?? [],
    now,
  });
  const ages = headAges(open, retryDelays, now);
  const jobs = countOpenRuns(open, now);
  return {
    version: 1,
    updated_at: new Date(now).toISOString(),
    machine: thisMachine(),
    versions: {
      pipeline: manifest.version,
      node: process.versions.node,
      rabbitmq: brokerVersion ?? null,
    },
    queues:
      broker?.queues.map(({ metrics }) => ({
        ...metrics,
        ready: counts?.get(metrics.name)?.ready ?? null,
        consumers: counts?.get(metrics.name)?.consumers ?? null,
        head_age_seconds: ages.get(metrics.name) ?? null,
      })) ?? [],
    dead_letters: {
      jobs: messagesIn(broker, queueNames.dead),
      webhooks: messagesIn(broker, queueNames.webhooksDead),
    },
    alarms: broker?.alarms.map(({ resource, node }) => `${resource} on ${node}`) ?? [],
    workers,
    utilisation: utilisationOfAll(workers),
    jobs: { ...jobs, queued: counts?.get(queueNames.process)?.ready ?? jobs.queued },
    throughput: throughputOf(ends, now),
    latency: latencyOf(ends, WINDOW_MS / 1_000),
    failures_5m: failuresByCode(ends),
    totals: pipeline?.totals ?? null,
    peaks: pipeline?.peaks ?? null,
    ledger: pipeline === undefined ? null : ledgerOf(pipeline.totals, unaccounted, broker?.queues),
  };
}

function thisMachine(): Snapshot['machine'] {
  return {
    platform: `${platform()} ${arch()}`,
    cores: availableParallelism(),
    memory_bytes: totalmem(),
    load_average: loadavg()[0] ?? 0,
  };
}

/** The workers that RabbitMQ lists, until the stored totals have been read. */
function workersIn(broker: BrokerSample | undefined, sampledAt: number): readonly KnownWorker[] {
  const workers = new KnownWorkers(Infinity);
  if (broker !== undefined) workers.onSample(broker, sampledAt);
  return workers.all;
}

/** Ready and unacknowledged messages, because all are unacknowledged while someone browses the queue. */
function messagesIn(broker: BrokerSample | undefined, name: string): number | null {
  return broker?.queues.find(({ metrics }) => metrics.name === name)?.messages ?? null;
}
