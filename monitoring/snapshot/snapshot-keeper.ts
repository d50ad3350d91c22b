import { queueNames, type RetryDelay } from '@image-pipeline/shared/broker/topology.ts';
import type { Snapshot, Source } from '@image-pipeline/shared/contracts/snapshot.ts';
import { messageOf } from '@image-pipeline/shared/errors.ts';
import type { Startable } from '@image-pipeline/shared/lifecycle.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import { Repeater } from '@image-pipeline/shared/repeater.ts';
import { withinDeadline } from '@image-pipeline/shared/waiting.ts';
import type { PipelineMetrics } from '../pipeline-metrics.ts';
import type { BrokerSample } from '../management/sample-broker.ts';
import { buildSnapshot, type QueueCountsByName, type SnapshotBody } from './build-snapshot.ts';

/** Seconds until the next try after a source was unavailable, however long the interval is. */
const RETRY_SECONDS = 2;

/** Passive declarations take milliseconds. */
const COUNT_TIMEOUT_MS = 1_000;

interface SnapshotKeeperOptions {
  readonly intervalSeconds: number;
  /** The retry delays, by attempt. */
  readonly retryDelays: readonly RetryDelay[];
  readonly sampleBroker: () => Promise<BrokerSample>;
  /** Asks RabbitMQ itself for length and consumers of every queue, by name. */
  readonly countQueues: () => Promise<QueueCountsByName>;
  /** The version of RabbitMQ; undefined before the first connection. */
  readonly brokerVersion: () => string | undefined;
  /** Metrics from events; undefined until the stored totals have been read. */
  readonly pipeline: () => PipelineMetrics | undefined;
  /** Why events are not up to date; undefined while the log is followed from its end. */
  readonly behindBecause: () => string | undefined;
  /** Called after each refresh; `broker` is undefined if RabbitMQ could not be sampled. */
  readonly onRefreshed: (seen: {
    snapshot: Snapshot;
    broker: BrokerSample | undefined;
    tookSeconds: number;
  }) => void;
  readonly log: Logger;
}

/** Keeps one snapshot in memory, refreshes it at an interval, and returns it with its age. */
export class SnapshotKeeper implements Startable {
  readonly #options: SnapshotKeeperOptions;
  readonly #repeater: Repeater;
  readonly #management = new SourceWatch();
  readonly #events = new SourceWatch();
  #broker: BrokerSample | undefined;
  #counts: QueueCountsByName | undefined;
  #body: SnapshotBody;
  #builtAt = performance.now();

  constructor(options: SnapshotKeeperOptions) {
    this.#options = options;
    this.#repeater = new Repeater(() => this.#refresh(), options.intervalSeconds);
    this.#body = this.#build();
  }

  start(): Promise<void> {
    return this.#repeater.start();
  }

  stop(): Promise<void> {
    return this.#repeater.stop();
  }

  /** Refreshes now, unless a refresh is in progress. */
  refresh(): Promise<void> {
    return this.#repeater.now();
  }

  get intervalSeconds(): number {
    return this.#repeater.intervalSeconds;
  }

  set intervalSeconds(seconds: number) {
    this.#repeater.intervalSeconds = seconds;
  }

  get snapshot(): Snapshot {
    return {
      ...this.#body,
      age_seconds: (performance.now() - this.#builtAt) / 1_000,
      interval_seconds: this.intervalSeconds,
      sources: { management: this.#management.source, events: this.#events.source },
    };
  }

  async #refresh(): Promise<number | undefined> {
    const { sampleBroker, countQueues, pipeline, behindBecause, onRefreshed, log } = this.#options;
    const startedAt = performance.now();
    const [sampled] = await Promise.allSettled([sampleBroker()]);
    // Last, so that they describe the same moment as the events.
    const [counted] = await Promise.allSettled([withinDeadline(COUNT_TIMEOUT_MS, countQueues)]);
    const broker = this.#onSampled(sampled);
    try {
      const reason = behindBecause() ?? this.#onCounted(counted);
      if (reason === undefined) {
        pipeline()?.onLogEnd();
        this.#events.succeeded();
      } else {
        this.#events.failed(reason);
      }
      const tookSeconds = (performance.now() - startedAt) / 1_000;
      pipeline()?.onRefresh(Date.now(), this.#counts?.get(queueNames.process)?.ready);
      this.#body = this.#build();
      this.#builtAt = performance.now();
      onRefreshed({ snapshot: this.snapshot, broker, tookSeconds });
    } catch (error) {
      log.error({ err: error }, 'could not refresh the snapshot');
    }
    const isComplete = broker !== undefined && this.#events.source.state === 'ok';
    return isComplete ? undefined : RETRY_SECONDS;
  }

  #onSampled(sampled: PromiseSettledResult<BrokerSample>): BrokerSample | undefined {
    const { pipeline, log } = this.#options;
    if (sampled.status === 'fulfilled') {
      this.#management.succeeded();
      this.#broker = sampled.value;
      pipeline()?.onSample(sampled.value, this.#management.lastSuccess ?? Date.now());
      return sampled.value;
    }
    const reason = messageOf(sampled.reason);
    // Once, not on each try.
    if (this.#management.source.state === 'ok')
      log.warn({ reason }, 'RabbitMQ’s management API is unavailable');
    this.#management.failed(reason);
    pipeline()?.onSampleFailed();
    return undefined;
  }

  /** @returns why the queues could not be counted */
  #onCounted(counted: PromiseSettledResult<QueueCountsByName>): string | undefined {
    if (counted.status === 'rejected') {
      return `RabbitMQ does not return the length of its queues: ${messageOf(counted.reason)}`;
    }
    this.#counts = counted.value;
    return undefined;
  }

  #build(): SnapshotBody {
    return buildSnapshot({
      pipeline: this.#options.pipeline(),
      broker: this.#broker,
      counts: this.#counts,
      sampledAt: this.#management.lastSuccess,
      brokerVersion: this.#options.brokerVersion(),
      retryDelays: this.#options.retryDelays,
      now: Date.now(),
    });
  }
}

/** When a source was last available, by the monotonic clock. */
class SourceWatch {
  #success: { readonly wall: number; readonly monotonic: number } | undefined;
  #reason: string | undefined;

  succeeded(): void {
    this.#success = { wall: Date.now(), monotonic: performance.now() };
    this.#reason = undefined;
  }

  failed(reason: string): void {
    this.#reason = reason;
  }

  get ageSeconds(): number | undefined {
    return this.#success && (performance.now() - this.#success.monotonic) / 1_000;
  }

  /** Milliseconds since 1970. */
  get lastSuccess(): number | undefined {
    return this.#success?.wall;
  }

  get source(): Source {
    const isOk = this.#success !== undefined && this.#reason === undefined;
    return {
      state: this.#success === undefined ? 'never' : isOk ? 'ok' : 'unavailable',
      updated_at: this.#success === undefined ? null : new Date(this.#success.wall).toISOString(),
      age_seconds: this.ageSeconds ?? null,
      reason: this.#reason ?? null,
    };
  }
}
