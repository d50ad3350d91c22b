/** A worker as far as it is known. Times in milliseconds since 1970. */
export interface KnownWorker {
  readonly name: string;
  /** Null while RabbitMQ does not tell. */
  readonly slots: number | null;
  readonly firstSeen: number;
  readonly lastSeen: number;
}

export type KnownWorkers = ReadonlyMap<string, KnownWorker>;

/** Something was heard of a worker: of itself by an event, or of its consumer, with its slots, by RabbitMQ. */
export function seeWorker(known: KnownWorkers, name: string, at: number, slots?: number): KnownWorkers {
  const before = known.get(name);
  const after = {
    name,
    slots: slots ?? before?.slots ?? null,
    firstSeen: Math.min(before?.firstSeen ?? at, at),
    lastSeen: Math.max(before?.lastSeen ?? at, at),
  };
  return new Map(known).set(name, after);
}

/**
 * Without those that were not seen for `expiryMs` before `lookedAt`, the newest look that would have shown them: while
 * nobody can look, nobody is gone.
 */
export function forgetGone(known: KnownWorkers, lookedAt: number, expiryMs: number): KnownWorkers {
  return new Map([...known].filter(([, { lastSeen }]) => lastSeen >= lookedAt - expiryMs));
}
