import type { Rung } from '@image-pipeline/shared/broker/topology.ts';
import type { Snapshot, Source } from '@image-pipeline/shared/contracts/snapshot.ts';
import { messageOf } from '@image-pipeline/shared/errors.ts';
import type { Startable } from '@image-pipeline/shared/lifecycle.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import { Repeater } from '@image-pipeline/shared/repeater.ts';
import type { PipelineFigures } from '../pipeline-metrics.ts';
import type { BrokerSample } from '../management/read-broker.ts';
import { buildSnapshot, type SnapshotBody } from './build-snapshot.ts';

/** Until the next try where a source did not answer, however long the interval is, in seconds. */
const RETRY_SECONDS = 2;

export interface SnapshotKeeperOptions {
  readonly intervalSeconds: number;
  /** The rungs on which failed attempts wait. */
  readonly ladder: readonly Rung[];
  /** Looks at RabbitMQ. */
  readonly look: () => Promise<BrokerSample>;
  /** The version of RabbitMQ; undefined before the first connection. */
  readonly brokerVersion: () => string | undefined;
  /** What events tell; undefined until the stored totals have been read. */
  readonly pipeline: () => PipelineFigures | undefined;
  /** Why events do not come by as they happen; undefined where the log has been read to its end and is followed. */
  readonly behindBecause: () => string | undefined;
  /** After each refresh; `broker` is undefined where the look failed. */
  readonly onRefreshed: (seen: {
    snapshot: Snapshot;
    broker: BrokerSample | undefined;
    tookSeconds: number;
  }) => void;
  readonly log: Logger;
}

/** Keeps one snapshot, made anew every so often; whoever asks gets it from memory, with its age. */
export class SnapshotKeeper implements Startable {
  readonly #options: SnapshotKeeperOptions;
  readonly #repeater: Repeater;
  readonly #management = new SourceWatch();
  readonly #events = new SourceWatch();
  #broker: BrokerSample | undefined;
  #body: SnapshotBody;
  #builtAt = performance.now();

  constructor(options: SnapshotKeeperOptions) {
    this.#options = options;
    this.#repeater = new Repeater(() => this.#refresh(), options.intervalSeconds);
    this.#body = this.#build();
  }

  start(): Promise<void> {
    this.#repeater.start();
    return Promise.resolve();
  }

  stop(): Promise<void> {
    return this.#repeater.stop();
  }

  /** Makes it anew now, unless that is being done. */
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
    const startedAt = performance.now();
    const broker = await this.#look();
    const { pipeline, behindBecause, onRefreshed, log } = this.#options;
    try {
      const reason = behindBecause();
      if (reason === undefined) {
        pipeline()?.readToTheEnd();
        this.#events.succeeded();
      } else {
        this.#events.failed(reason);
      }
      const tookSeconds = (performance.now() - startedAt) / 1_000;
      pipeline()?.onRefresh(Date.now());
      this.#body = this.#build();
      this.#builtAt = performance.now();
      onRefreshed({ snapshot: this.snapshot, broker, tookSeconds });
    } catch (error) {
      log.error({ err: error }, 'the snapshot could not be made anew');
    }
    const isWell = broker !== undefined && this.#events.source.state === 'ok';
    return isWell ? undefined : RETRY_SECONDS;
  }

  async #look(): Promise<BrokerSample | undefined> {
    const { look, pipeline, log } = this.#options;
    try {
      const figures = await look();
      this.#management.succeeded();
      this.#broker = figures;
      pipeline()?.onLook(figures, this.#management.lastGood ?? Date.now());
      return figures;
    } catch (error) {
      const reason = messageOf(error);
      // Once, not with each try.
      if (this.#management.source.state === 'ok') log.warn({ reason }, 'RabbitMQ’s management API is away');
      this.#management.failed(reason);
      pipeline()?.onNoLook();
      return undefined;
    }
  }

  #build(): SnapshotBody {
    return buildSnapshot({
      pipeline: this.#options.pipeline(),
      broker: this.#broker,
      lookedAt: this.#management.lastGood,
      brokerVersion: this.#options.brokerVersion(),
      ladder: this.#options.ladder,
      now: Date.now(),
    });
  }
}

/** When something that is looked at again and again last answered, by the steady clock. */
class SourceWatch {
  #good: { readonly wall: number; readonly steady: number } | undefined;
  #reason: string | undefined;

  succeeded(): void {
    this.#good = { wall: Date.now(), steady: performance.now() };
    this.#reason = undefined;
  }

  failed(reason: string): void {
    this.#reason = reason;
  }

  get ageSeconds(): number | undefined {
    return this.#good && (performance.now() - this.#good.steady) / 1_000;
  }

  /** Milliseconds since 1970. */
  get lastGood(): number | undefined {
    return this.#good?.wall;
  }

  get source(): Source {
    const isOk = this.#good !== undefined && this.#reason === undefined;
    return {
      state: this.#good === undefined ? 'never' : isOk ? 'ok' : 'away',
      updated_at: this.#good === undefined ? null : new Date(this.#good.wall).toISOString(),
      age_seconds: this.ageSeconds ?? null,
      reason: this.#reason ?? null,
    };
  }
}
