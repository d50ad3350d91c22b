import { bound } from '@image-pipeline/shared/tracing/spans.ts';
import PQueue from 'p-queue';

export interface ReceiverSlotsOptions {
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

/** Limits the share of one receiver, so that a slow one never takes all webhooks in flight. */
export class ReceiverSlots {
  readonly #options: ReceiverSlotsOptions;
  readonly #receivers = new Map<string, Receiver>();
  /** Until when receivers count as hanging, by the monotonic clock; oldest first. */
  readonly #hanging = new Map<string, number>();

  constructor(options: ReceiverSlotsOptions) {
    this.#options = options;
  }

  /**
   * Reserves a place for a webhook; undefined if its receiver has no free place. Call its `release` at the end.
   * @param key identifies the receiver
   */
  reserve(key: string): Place | undefined {
    const { maxConcurrent, inFlight } = this.#options;
    const receiver = this.#receivers.get(key) ?? {
      queue: new PQueue({ concurrency: maxConcurrent }),
      inFlight: 0,
      posting: 0,
    };
    if (receiver.inFlight >= (this.#isHanging(key) ? 1 : inFlight)) return undefined;
    this.#receivers.set(key, receiver);
    receiver.inFlight++;
    return {
      run: (work, signal) => {
        // Otherwise it would run in the trace of the webhook that freed the slot.
        const ours = bound(work);
        return receiver.queue.add(async () => {
          // Not p-queue's own signal, which would abandon work in progress.
          signal.throwIfAborted();
          if (receiver.posting > 0 && this.#isHanging(key)) return undefined;
          receiver.posting++;
          try {
            return await ours();
          } finally {
            receiver.posting--;
          }
        });
      },
      timedOut: () => {
        this.#hanging.delete(key);
        this.#hanging.set(key, performance.now() + this.#options.hangingMs);
      },
      responded: () => void this.#hanging.delete(key),
      release: () => {
        receiver.inFlight--;
        if (receiver.inFlight === 0) this.#receivers.delete(key);
      },
    };
  }

  #isHanging(key: string): boolean {
    const now = performance.now();
    for (const [oldest, until] of this.#hanging) {
      if (until > now) break;
      this.#hanging.delete(oldest);
    }
    return this.#hanging.has(key);
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
