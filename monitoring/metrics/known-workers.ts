import type { BrokerSample } from '../management/read-broker.ts';

/** A worker as far as it is known. Times in milliseconds since 1970. */
export interface KnownWorker {
  readonly name: string;
  /** Null while RabbitMQ does not tell. */
  readonly slots: number | null;
  readonly firstSeen: number;
  readonly lastSeen: number;
  /** Whether it consumes, by the newest look, or something was heard of it since. */
  readonly live: boolean;
}

/** RabbitMQ's management tells of a new connection only after some seconds. */
const SETTLES_MS = 10_000;

/** At more, the first ones are forgotten: somebody must have started very many while nobody could look. */
const MAX_KNOWN = 1_000;

/** The workers, by their events and by RabbitMQ's consumers. While nobody can look, nobody is gone. */
export class KnownWorkers {
  readonly #expiryMs: number;
  readonly #known = new Map<string, KnownWorker>();
  /** When something was heard last of those of whom that was lately. */
  readonly #heard = new Map<string, number>();
  /** By the newest look, or heard of since or shortly before; undefined before the first look. */
  #connected: Set<string> | undefined;

  /** @param expiryMs for how long one that has gone is still known */
  constructor(expiryMs: number) {
    this.#expiryMs = expiryMs;
  }

  get all(): readonly KnownWorker[] {
    return [...this.#known.values()];
  }

  /** Whether it keeps what it has in hand, which it does also while it takes nothing more. */
  isConnected(name: string): boolean {
    return this.#connected === undefined || this.#connected.has(name);
  }

  /** An event came from it. */
  heardOf(name: string, at: number): void {
    this.#connected?.add(name);
    this.#heard.set(name, at);
    this.#see(name, at);
  }

  /** RabbitMQ was looked at: these consume, and these are connected, and no others. */
  lookedAt({ workers, connected }: Pick<BrokerSample, 'workers' | 'connected'>, at: number): void {
    for (const [name, heardAt] of this.#heard) {
      if (heardAt < at - SETTLES_MS) this.#heard.delete(name);
    }
    this.#connected = new Set([...connected, ...this.#heard.keys()]);
    for (const worker of this.#known.values()) {
      if (worker.live) this.#known.set(worker.name, { ...worker, live: false });
    }
    for (const { name, slots } of workers) this.#see(name, at, slots);
    for (const { name, live, lastSeen } of this.#known.values()) {
      if (!live && lastSeen < at - this.#expiryMs) this.#known.delete(name);
    }
  }

  #see(name: string, at: number, slots?: number): void {
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
      this.#heard.delete(oldest);
      return;
    }
  }
}
