import { bound } from '@image-pipeline/shared/tracing/spans.ts';
import PQueue from 'p-queue';

export interface ReceiverSlotsOptions {
  /** Webhooks posted to one receiver at once. */
  readonly atOnce: number;
  /** Webhooks of one receiver in hand, those that wait for their turn included. */
  readonly inHand: number;
  /** How long a receiver that let a post time out gets one at a time, in milliseconds, unless it answers. */
  readonly hangingMs: number;
}

interface Receiver {
  readonly queue: PQueue;
  inHand: number;
  posting: number;
}

/** Sees to it that a slow receiver takes a share of what is in hand, and never all of it. */
export class ReceiverSlots {
  readonly #options: ReceiverSlotsOptions;
  readonly #receivers = new Map<string, Receiver>();
  /** Until when they are taken to hang, by the monotonic clock; oldest first. */
  readonly #hanging = new Map<string, number>();

  constructor(options: ReceiverSlotsOptions) {
    this.#options = options;
  }

  /**
   * Takes a place for a webhook, or undefined where its receiver has its share. Give it back with `leave`.
   * @param key who counts as one receiver
   */
  enter(key: string): Place | undefined {
    const { atOnce, inHand } = this.#options;
    const receiver = this.#receivers.get(key) ?? {
      queue: new PQueue({ concurrency: atOnce }),
      inHand: 0,
      posting: 0,
    };
    if (receiver.inHand >= (this.#isHanging(key) ? 1 : inHand)) return undefined;
    this.#receivers.set(key, receiver);
    receiver.inHand++;
    return {
      run: (work, signal) => {
        // The queue calls it as a part of whatever has just made room.
        const ours = bound(work);
        return receiver.queue.add(async () => {
          // Not p-queue's own signal, which would let go of work that has begun.
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
      hangs: () => {
        this.#hanging.delete(key);
        this.#hanging.set(key, performance.now() + this.#options.hangingMs);
      },
      answers: () => void this.#hanging.delete(key),
      leave: () => {
        receiver.inHand--;
        if (receiver.inHand === 0) this.#receivers.delete(key);
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
   * Does `work` when it is this one's turn; rejects if `signal` has aborted by then. Undefined, and nothing done, where
   * the receiver has begun to hang and another is trying it.
   */
  run<Result>(work: () => Promise<Result>, signal: AbortSignal): Promise<Result | undefined>;
  /** The receiver let a post time out. */
  hangs(): void;
  /** The receiver answered, whatever it said. */
  answers(): void;
  leave(): void;
}
