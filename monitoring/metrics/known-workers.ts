import type { BrokerSample } from '../management/read-broker.ts';

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

/** The management API lists a new connection only after some seconds. */
const SETTLES_MS = 10_000;

/** Beyond this, the oldest are dropped. It takes very many starts while RabbitMQ cannot be sampled. */
const MAX_KNOWN = 1_000;

/** The workers, from their events and RabbitMQ's consumers. While RabbitMQ cannot be sampled, none is gone. */
export class KnownWorkers {
  readonly #expiryMs: number;
  readonly #known = new Map<string, KnownWorker>();
  /** Time of the last event of each worker with a recent one. */
  readonly #lastEvent = new Map<string, number>();
  /** Connected in the newest sample, or with an event since or shortly before; undefined before the first sample. */
  #connected: Set<string> | undefined;

  /** @param expiryMs how long a worker is kept after it has gone */
  constructor(expiryMs: number) {
    this.#expiryMs = expiryMs;
  }

  get all(): readonly KnownWorker[] {
    return [...this.#known.values()];
  }

  /** Whether its jobs in progress are still with it; true also while it is paused. */
  isConnected(name: string): boolean {
    return this.#connected === undefined || this.#connected.has(name);
  }

  onEvent(name: string, at: number): void {
    this.#connected?.add(name);
    this.#lastEvent.set(name, at);
    this.#update(name, at);
  }

  /** The sample lists all consumers and connections. */
  onSample({ workers, connected }: Pick<BrokerSample, 'workers' | 'connected'>, at: number): void {
    for (const [name, receivedAt] of this.#lastEvent) {
      if (receivedAt < at - SETTLES_MS) this.#lastEvent.delete(name);
    }
    this.#connected = new Set([...connected, ...this.#lastEvent.keys()]);
    for (const worker of this.#known.values()) {
      if (worker.live) this.#known.set(worker.name, { ...worker, live: false });
    }
    for (const { name, slots } of workers) this.#update(name, at, slots);
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
      live: true,
    });
    if (this.#known.size <= MAX_KNOWN) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      this.#lastEvent.delete(oldest);
      return;
    }
  }
}
