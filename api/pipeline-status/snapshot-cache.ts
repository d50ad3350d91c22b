import type { Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';
import { messageOf } from '@image-pipeline/shared/errors.ts';
import { fetchSnapshot } from '@image-pipeline/shared/fetch-snapshot.ts';
import type { Startable } from '@image-pipeline/shared/lifecycle.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import { Repeater } from '@image-pipeline/shared/repeater.ts';

/** Seconds from one look at monitoring to the next: at most, so that a new interval of its is noticed; and at least. */
const LONGEST_PAUSE = 10;
const SHORTEST_PAUSE = 0.25;
/** How much later than it is due monitoring's next snapshot may be there, in seconds. */
const LAG = 0.05;
/** In intervals of monitoring. */
const OVERDUE_AFTER = 1.5;
/** Until the next try where monitoring did not answer, in seconds. */
const RETRY = 1;

/** What must be known in a snapshot for it to be of use. */
const isKnown = {
  /** RabbitMQ's figures: rates, workers and their slots. */
  management: ({ sources }: Snapshot) => sources.management.state !== 'never',
  /** What events tell: jobs, totals and peaks. */
  events: ({ sources, totals, peaks }: Snapshot) =>
    sources.events.state !== 'never' && totals !== null && peaks !== null,
} as const satisfies Record<string, (snapshot: Snapshot) => boolean>;

type Part = keyof typeof isKnown;

interface Received {
  readonly snapshot: Snapshot;
  /** By the steady clock, in milliseconds. */
  readonly at: number;
  /** By the wall clock, in milliseconds since 1970. */
  readonly wall: number;
}

/** Figures of one source, with their age. */
export interface CachedSnapshot {
  readonly snapshot: Snapshot;
  readonly ageSeconds: number;
  /** Seconds since 1970, by the clock of this machine. */
  readonly updatedAt: number;
  /** Whether they are as new as they should be, not what was left when somebody went away. */
  readonly isCurrent: boolean;
}

export interface SnapshotCacheOptions {
  /** Of the monitoring service. */
  readonly url: string;
  /** How long it may take to answer, in milliseconds. */
  readonly timeoutMs: number;
  /** Older figures do not count as current, in seconds, unless monitoring looks that seldom. */
  readonly ttlSeconds: number;
  readonly log: Logger;
}

/**
 * Monitoring's newest snapshot, in memory. It is fetched whenever monitoring has made a new one, one call at a time,
 * whether anybody asks or not: so nobody who asks waits for it, and any number of askers costs nothing. Of each part
 * the newest snapshot in which it was known is kept, for as long as it takes.
 */
export class SnapshotCache implements Startable {
  readonly #options: SnapshotCacheOptions;
  readonly #repeater = new Repeater(() => this.#refresh(), LONGEST_PAUSE);
  readonly #stopping = new AbortController();
  readonly #known = new Map<Part, Received>();
  readonly #firstRefresh = Promise.withResolvers<undefined>();
  #newest: Received | undefined;
  #isUnavailable = false;

  constructor(options: SnapshotCacheOptions) {
    this.#options = options;
  }

  start(): Promise<void> {
    this.#repeater.start();
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.#stopping.abort();
    return this.#repeater.stop();
  }

  /** Resolves when monitoring was looked at for the first time, whatever came of it. */
  get firstRefresh(): Promise<void> {
    return this.#firstRefresh.promise;
  }

  /**
   * For how long figures count as current, in seconds: where monitoring looks more seldom than the configured time,
   * until its next look is overdue.
   */
  get ttlSeconds(): number {
    const interval = this.#newest?.snapshot.interval_seconds ?? 0;
    return Math.max(this.#options.ttlSeconds, OVERDUE_AFTER * interval);
  }

  /** The newest in which this part was known; undefined where there was none yet. */
  known(source: Part): CachedSnapshot | undefined {
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

  /** @returns seconds until the next look */
  async #refresh(): Promise<number> {
    const { url, timeoutMs, log } = this.#options;
    try {
      const snapshot = await fetchSnapshot(url, { timeoutMs, stopping: this.#stopping.signal });
      this.#keep({ snapshot, at: performance.now(), wall: Date.now() });
      if (this.#isUnavailable) log.info('the monitoring service is back');
      this.#isUnavailable = false;
      const due = snapshot.interval_seconds - snapshot.age_seconds + LAG;
      return Math.max(SHORTEST_PAUSE, due);
    } catch (error) {
      // Once, not with each try.
      if (!this.#isUnavailable && !this.#stopping.signal.aborted) log.warn(messageOf(error));
      this.#isUnavailable = true;
      return RETRY;
    } finally {
      this.#firstRefresh.resolve(undefined);
    }
  }

  #keep(received: Received): void {
    this.#newest = received;
    for (const part of Object.keys(isKnown) as Part[]) {
      if (isKnown[part](received.snapshot)) this.#known.set(part, received);
    }
  }
}
