import { bound } from '@image-pipeline/shared/tracing/spans.ts';
import PQueue from 'p-queue';

/**
 * Maximum share of all webhooks in flight, by the health of the receiver: it timed out recently (hanging), responded within
 * the last hour (responding), or neither (unknown). Of an unknown receiver, only the first webhook in flight counts as such;
 * further ones are `unproven`. A share includes those of the classes before it, so healthy receivers always have room.
 */
const shares = { unproven: 1 / 8, hanging: 1 / 4, unknown: 3 / 4, responding: 1 } as const;
type Health = keyof typeof shares;
const healthClasses: readonly Health[] = ['unproven', 'hanging', 'unknown', 'responding'];

/** How long a response counts, in milliseconds. */
const RESPONDING_MS = 3_600_000;

export interface ReceiverSlotsOptions {
  /** Maximum webhooks in flight, of all receivers together. */
  readonly total: number;
  /** Maximum concurrent posts to one receiver. */
  readonly maxConcurrent: number;
  /** Maximum webhooks of one receiver in flight, including those that wait for a post slot. */
  readonly inFlight: number;
  /** How long a receiver that timed out gets one post at a time, in milliseconds, unless it responds. */
  readonly hangingMs: number;
}

interface Receiver {
  readonly queue: PQueue;
  inFlight: number;
  posting: number;
}

/** Limits the share of one receiver, and that of all that hang: slow ones never take all webhooks in flight. */
export class ReceiverSlots {
  readonly #options: ReceiverSlotsOptions;
  readonly #receivers = new Map<string, Receiver>();
  readonly #inFlight = { unproven: 0, hanging: 0, unknown: 0, responding: 0 };
  readonly #hanging: RecentKeys;
  readonly #responding = new RecentKeys(RESPONDING_MS);

  constructor(options: ReceiverSlotsOptions) {
    this.#options = options;
    this.#hanging = new RecentKeys(options.hangingMs);
  }

  /**
   * Reserves a slot for a webhook; undefined if its receiver, or all receivers of the same health, have no free slot. Call
   * its `release` at the end.
   * @param key identifies the receiver
   */
  reserve(key: string): Place | undefined {
    const { maxConcurrent, inFlight } = this.#options;
    const receiver = this.#receivers.get(key) ?? {
      queue: new PQueue({ concurrency: maxConcurrent }),
      inFlight: 0,
      posting: 0,
    };
    const health = this.#healthOf(key, receiver);
    if (receiver.inFlight >= (health === 'hanging' ? 1 : inFlight) || !this.#hasRoom(health)) {
      return undefined;
    }
    this.#receivers.set(key, receiver);
    receiver.inFlight++;
    this.#inFlight[health]++;
    return {
      run: (work, signal) => {
        // Otherwise it would run in the trace of the webhook that freed the slot.
        const ours = bound(work);
        return receiver.queue.add(async () => {
          // Not p-queue's own signal, which would abandon work in progress.
          signal.throwIfAborted();
          if (receiver.posting > 0 && this.#hanging.has(key)) return undefined;
          receiver.posting++;
          try {
            return await ours();
          } finally {
            receiver.posting--;
          }
        });
      },
      timedOut: () => {
        this.#responding.delete(key);
        this.#hanging.add(key);
      },
      responded: () => {
        this.#hanging.delete(key);
        this.#responding.add(key);
      },
      release: () => {
        this.#inFlight[health]--;
        receiver.inFlight--;
        if (receiver.inFlight === 0) this.#receivers.delete(key);
      },
    };
  }

  #healthOf(key: string, { inFlight }: Receiver): Health {
    if (this.#hanging.has(key)) return 'hanging';
    if (this.#responding.has(key)) return 'responding';
    return inFlight > 0 ? 'unproven' : 'unknown';
  }

  #hasRoom(health: Health): boolean {
    const included = healthClasses.slice(0, healthClasses.indexOf(health) + 1);
    const inFlight = included.reduce((sum, each) => sum + this.#inFlight[each], 0);
    return inFlight < Math.ceil(this.#options.total * shares[health]);
  }
}

const MAX_KEYS = 10_000;

/** The newest keys, each for a time. */
class RecentKeys {
  readonly #forMs: number;
  /** Until when, by the monotonic clock; oldest first. */
  readonly #until = new Map<string, number>();

  constructor(forMs: number) {
    this.#forMs = forMs;
  }

  add(key: string): void {
    this.#until.delete(key);
    this.#until.set(key, performance.now() + this.#forMs);
  }

  delete(key: string): void {
    this.#until.delete(key);
  }

  has(key: string): boolean {
    const now = performance.now();
    for (const [oldest, until] of this.#until) {
      if (until > now && this.#until.size <= MAX_KEYS) break;
      this.#until.delete(oldest);
    }
    return this.#until.has(key);
  }
}

export interface Place {
  /**
   * Runs `work` when a post slot is free; rejects if `signal` has aborted by then. Returns undefined without running it
   * if the receiver hangs and another post is testing it.
   */
  run<Result>(work: () => Promise<Result>, signal: AbortSignal): Promise<Result | undefined>;
  /** Call when a post timed out. */
  timedOut(): void;
  /** Call when the receiver responded, with any status. */
  responded(): void;
  release(): void;
}
