import type { Snapshot, WorkerMetrics } from '@image-pipeline/shared/contracts/snapshot.ts';
import type { BrokerSample } from '../management/sample-broker.ts';
import type { Attempt, OpenRun } from './run-tracker.ts';

/** Times in milliseconds since 1970. */
export interface KnownWorker {
  readonly name: string;
  /** Null while RabbitMQ does not report it. */
  readonly slots: number | null;
  readonly firstSeen: number;
  readonly lastSeen: number;
  /** Whether it consumes, by the newest sample, or has sent an event since. */
  readonly live: boolean;
}

/** Beyond this, the oldest are dropped. It takes very many starts while RabbitMQ cannot be sampled. */
const MAX_KNOWN = 1_000;

/** An event of a worker. */
export interface WorkerEvent {
  readonly worker: string;
  /** Jobs it can process at a time, if the event says so. */
  readonly slots?: number;
  /** Whether it has started to consume, or a job; otherwise it has ended one, as a paused worker also does. */
  readonly starts: boolean;
}

/** The management API lists a new connection or consumer only after some seconds, but drops a closed one at once. */
const SETTLES_MS = 10_000;

/** The names that the management API lists, and those with an event that it does not list yet. */
class Presence {
  /** Undefined before the first list. */
  #listed: ReadonlySet<string> | undefined;
  /** Time of the last event of each name with a recent one. */
  readonly #lastEvent = new Map<string, number>();

  /** Whether it is present; all are before the first list. */
  has(name: string): boolean {
    return this.#listed === undefined || this.#listed.has(name) || this.#lastEvent.has(name);
  }

  onEvent(name: string, at: number): void {
    this.#lastEvent.set(name, at);
    const [oldest] = this.#lastEvent.keys();
    if (this.#lastEvent.size > MAX_KNOWN && oldest !== undefined) this.#lastEvent.delete(oldest);
  }

  onList(names: readonly string[], at: number): void {
    const listed = new Set(names);
    for (const [name, receivedAt] of this.#lastEvent) {
      const hasGone = this.#listed?.has(name) === true && !listed.has(name);
      if (hasGone || receivedAt < at - SETTLES_MS) this.#lastEvent.delete(name);
    }
    this.#listed = listed;
  }
}

/** The workers, from their events and RabbitMQ's consumers. While RabbitMQ cannot be sampled, none is gone. */
export class KnownWorkers {
  readonly #expiryMs: number;
  readonly #known = new Map<string, KnownWorker>();
  readonly #consuming = new Presence();
  readonly #connected = new Presence();

  /** @param expiryMs how long a worker is kept after it has gone */
  constructor(expiryMs: number) {
    this.#expiryMs = expiryMs;
  }

  get all(): readonly KnownWorker[] {
    return [...this.#known.values()];
  }

  /** Whether its jobs in progress are still with it; true also while it is paused. */
  isConnected(name: string): boolean {
    return this.#connected.has(name);
  }

  onEvent({ worker, slots, starts }: WorkerEvent, at: number): void {
    this.#connected.onEvent(worker, at);
    if (starts) this.#consuming.onEvent(worker, at);
    this.#update(worker, at, slots);
  }

  /** The sample lists all consumers and connections. */
  onSample({ workers, connected }: Pick<BrokerSample, 'workers' | 'connected'>, at: number): void {
    this.#connected.onList(connected, at);
    this.#consuming.onList(
      workers.map(({ name }) => name),
      at,
    );
    for (const { name, slots } of workers) this.#update(name, at, slots);
    for (const worker of this.#known.values()) {
      const live = this.#consuming.has(worker.name);
      if (worker.live !== live) this.#known.set(worker.name, { ...worker, live });
    }
    for (const { name, live, lastSeen } of this.#known.values()) {
      if (!live && lastSeen < at - this.#expiryMs) this.#known.delete(name);
    }
  }

  #update(name: string, at: number, slots?: number): void {
    const before = this.#known.get(name);
    this.#known.set(name, {
      name,
      slots: slots ?? before?.slots ?? null,
      firstSeen: Math.min(before?.firstSeen ?? at, at),
      lastSeen: Math.max(before?.lastSeen ?? at, at),
      live: this.#consuming.has(name),
    });
    if (this.#known.size <= MAX_KNOWN) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      return;
    }
  }
}

/** The window of the utilisation, in milliseconds. */
export const UTILISATION_WINDOW_MS = 60_000;

interface WorkerInput {
  readonly known: readonly KnownWorker[];
  readonly open: Iterable<OpenRun>;
  /** Attempts that ended within the window, at least. */
  readonly attempts: readonly Attempt[];
  readonly now: number;
}

/** Every worker with its jobs in progress, sorted by name. Times in milliseconds since 1970. */
export function workerTable({ known, open, attempts, now }: WorkerInput): WorkerMetrics[] {
  /** Slow images take no slot. */
  const running = new Map<string, number[]>();
  for (const { state, worker, since, isSlow } of open) {
    if (state !== 'processing' || worker === undefined || isSlow === true) continue;
    const starts = running.get(worker) ?? [];
    starts.push(since);
    running.set(worker, starts);
  }
  return known
    .map((worker) => {
      const starts = running.get(worker.name) ?? [];
      const own = attempts.filter((attempt) => attempt.worker === worker.name);
      const since = Math.max(now - UTILISATION_WINDOW_MS, worker.firstSeen);
      return {
        name: worker.name,
        slots: worker.slots,
        // Runs of a killed worker stay with it until another worker starts them.
        busy: Math.min(starts.length, worker.slots ?? Infinity),
        utilisation: utilisationOf(
          worker,
          [...own, ...starts.map((from) => ({ from, to: now }))],
          since,
          now,
        ),
        last_seen: new Date(worker.lastSeen).toISOString(),
        live: worker.live,
      };
    })
    .toSorted((one, other) => one.name.localeCompare(other.name, 'en', { numeric: true }));
}

/** The sum of all live workers. */
export function utilisationOfAll(workers: readonly WorkerMetrics[]): Snapshot['utilisation'] {
  const live = workers.filter((worker) => worker.live);
  const slots = live.reduce((sum, worker) => sum + (worker.slots ?? 0), 0);
  const used = live.reduce((sum, worker) => sum + (worker.slots ?? 0) * (worker.utilisation ?? 0), 0);
  return {
    slots,
    busy: live.reduce((sum, { busy }) => sum + busy, 0),
    last_minute: slots === 0 ? null : used / slots,
  };
}

function utilisationOf(
  { slots }: KnownWorker,
  busy: readonly { readonly from: number; readonly to: number }[],
  since: number,
  now: number,
): number | null {
  if (slots === null || slots === 0 || now <= since) return null;
  const ms = busy.reduce(
    (sum, { from, to }) => sum + Math.max(0, Math.min(to, now) - Math.max(from, since)),
    0,
  );
  return Math.min(1, ms / (slots * (now - since)));
}
