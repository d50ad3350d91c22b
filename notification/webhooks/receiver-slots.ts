import PQueue from 'p-queue';

export interface ReceiverSlotsOptions {
  /** Webhooks posted to one host at once. */
  readonly atOnce: number;
  /** Webhooks of one host in hand, those that wait for their turn included. */
  readonly inHand: number;
}

/** Sees to it that a slow host takes a share of what is in hand, and never all of it. */
export class ReceiverSlots {
  readonly #options: ReceiverSlotsOptions;
  readonly #hosts = new Map<string, { readonly queue: PQueue; inHand: number }>();

  constructor(options: ReceiverSlotsOptions) {
    this.#options = options;
  }

  /** Takes a place for a webhook of this host, or undefined where the host has its share. Give it back with `leave`. */
  enter(host: string): Place | undefined {
    const entry = this.#hosts.get(host) ?? {
      queue: new PQueue({ concurrency: this.#options.atOnce }),
      inHand: 0,
    };
    if (entry.inHand >= this.#options.inHand) return undefined;
    this.#hosts.set(host, entry);
    entry.inHand++;
    return {
      run: (work, signal) =>
        entry.queue.add(() => {
          // Not p-queue's own signal, which would let go of work that has begun.
          signal.throwIfAborted();
          return work();
        }),
      leave: () => {
        entry.inHand--;
        if (entry.inHand === 0) this.#hosts.delete(host);
      },
    };
  }
}

export interface Place {
  /** Does `work` when it is this one's turn; rejects if `signal` has aborted by then. */
  run<Result>(work: () => Promise<Result>, signal: AbortSignal): Promise<Result>;
  leave(): void;
}
