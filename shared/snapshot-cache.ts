import { type Snapshot, snapshotSchema } from './contracts/snapshot.ts';
import { messageOf } from './errors.ts';
import { fetchSnapshot } from './fetch-snapshot.ts';
import type { Startable } from './lifecycle.ts';
import type { Logger } from './log.ts';
import { Repeater } from './repeater.ts';
import { snapshotKey } from './store/keys.ts';
import type { ObjectStore } from './store/object-store.ts';
import { readJson } from './store/read-object.ts';
import { withinDeadline } from './waiting.ts';

/** Maximum seconds between two fetches, so that a new interval of monitoring is noticed; and minimum. */
const LONGEST_PAUSE = 10;
const SHORTEST_PAUSE = 0.25;
/** Fetch this many seconds after monitoring's next snapshot is due. */
const LAG = 0.05;
/** In intervals of monitoring. */
const OVERDUE_AFTER = 1.5;
/** Retry delay after a failed fetch, in seconds. */
const RETRY = 1;

/** Whether a snapshot has the data of each source. */
const hasDataOf = {
  /** From RabbitMQ: rates, workers and their slots. */
  management: ({ sources }: Snapshot) => sources.management.state !== 'never',
  /** From events: jobs, totals and peaks. */
  events: ({ sources, totals, peaks }: Snapshot) =>
    sources.events.state !== 'never' && totals !== null && peaks !== null,
} as const satisfies Record<SourceName, (snapshot: Snapshot) => boolean>;

/** A data source of monitoring. */
type SourceName = keyof Snapshot['sources'];

interface Received {
  readonly snapshot: Snapshot;
  /** By the monotonic clock, in milliseconds. */
  readonly at: number;
  /** By the wall clock, in milliseconds since 1970. */
  readonly wall: number;
}

/** A snapshot with the age of the data from one source. */
export interface CachedSnapshot {
  readonly snapshot: Snapshot;
  readonly ageSeconds: number;
  /** Seconds since 1970, by the clock of this machine. */
  readonly updatedAt: number;
  /** False if monitoring or its source is unavailable and this is the last data. */
  readonly isCurrent: boolean;
}

interface SnapshotCacheOptions {
  /** Of the monitoring service. */
  readonly url: string;
  /** Timeout of a fetch, in milliseconds. */
  readonly timeoutMs: number;
  /** Maximum age of current data, in seconds, unless monitoring's interval is longer. */
  readonly ttlSeconds: number;
  /** Where monitoring saves its newest snapshot, for a start while monitoring is unavailable. */
  readonly store: Pick<ObjectStore, 'get'>;
  readonly log: Logger;
}

/**
 * Monitoring's newest snapshot, in memory. It is fetched in the background whenever a new one is due, one call at a time, so
 * that no request waits for it and any number of requests costs nothing. For each source, the newest snapshot with its data is
 * kept.
 */
export class SnapshotCache implements Startable {
  readonly #options: SnapshotCacheOptions;
  readonly #repeater = new Repeater(() => this.#refresh(), LONGEST_PAUSE);
  readonly #stopping = new AbortController();
  readonly #known = new Map<SourceName, Received>();
  readonly #firstRefresh = Promise.withResolvers<undefined>();
  #newest: Received | undefined;
  #isUnavailable = false;

  constructor(options: SnapshotCacheOptions) {
    this.#options = options;
  }

  start(): Promise<void> {
    return this.#repeater.start();
  }

  stop(): Promise<void> {
    this.#stopping.abort();
    return this.#repeater.stop();
  }

  /** Resolves after the first fetch, successful or not. */
  get firstRefresh(): Promise<void> {
    return this.#firstRefresh.promise;
  }

  /**
   * Maximum age of current data, in seconds: the configured one, or until monitoring's next snapshot is overdue if that is
   * longer.
   */
  get ttlSeconds(): number {
    const interval = this.#newest?.snapshot.interval_seconds ?? 0;
    return Math.max(this.#options.ttlSeconds, OVERDUE_AFTER * interval);
  }

  /** The newest snapshot with data of this source; undefined if there is none yet. */
  known(source: SourceName): CachedSnapshot | undefined {
    const received = this.#known.get(source);
    const from = received?.snapshot.sources[source];
    if (received === undefined || from === undefined) return undefined;
    const ageWhenReceived = from.age_seconds ?? 0;
    const ageSeconds = ageWhenReceived + (performance.now() - received.at) / 1_000;
    const isNewest = received === this.#newest && !this.#isUnavailable && from.state === 'ok';
    return {
      snapshot: received.snapshot,
      ageSeconds,
      updatedAt: received.wall / 1_000 - ageWhenReceived,
      isCurrent: isNewest && ageSeconds < this.ttlSeconds,
    };
  }

  /** @returns seconds until the next fetch */
  async #refresh(): Promise<number> {
    const { url, timeoutMs, log } = this.#options;
    try {
      const snapshot = await fetchSnapshot(url, { timeoutMs, stopping: this.#stopping.signal });
      this.#keep({ snapshot, at: performance.now(), wall: Date.now() });
      if (this.#isUnavailable) log.info('the monitoring service is available again');
      this.#isUnavailable = false;
      log.debug({ age_seconds: snapshot.age_seconds }, 'status cache refreshed');
      const due = snapshot.interval_seconds - snapshot.age_seconds + LAG;
      return Math.max(SHORTEST_PAUSE, due);
    } catch (error) {
      // Only once, not for each retry.
      if (!this.#isUnavailable && !this.#stopping.signal.aborted) log.warn(messageOf(error));
      this.#isUnavailable = true;
      if (this.#newest === undefined) await this.#restore();
      return RETRY;
    } finally {
      this.#firstRefresh.resolve(undefined);
    }
  }

  /** Its age is measured by the wall clock, because it is of an earlier process. */
  async #restore(): Promise<void> {
    const { store, timeoutMs, log } = this.#options;
    try {
      const snapshot = await withinDeadline(timeoutMs, () => readJson(store, snapshotKey, snapshotSchema));
      if (snapshot === undefined) return;
      const wall = Date.parse(snapshot.updated_at) + snapshot.age_seconds * 1_000;
      this.#keep({ snapshot, wall, at: performance.now() - Math.max(0, Date.now() - wall) });
      log.info(
        { updated_at: snapshot.updated_at },
        'the last snapshot of monitoring was read from the store',
      );
    } catch (error) {
      log.debug(
        { reason: messageOf(error) },
        'the last snapshot of monitoring cannot be read from the store',
      );
    }
  }

  #keep(received: Received): void {
    this.#newest = received;
    for (const source of ['management', 'events'] as const) {
      if (hasDataOf[source](received.snapshot)) this.#known.set(source, received);
    }
  }
}
