import { PipelineError } from './errors.ts';
import { FairSlots, type Release } from './fair-slots.ts';
import type { Logger } from './log.ts';
import type { Metrics } from './metrics.ts';
import { pause } from './waiting.ts';

/** Far more than a page requests at once; further calls would wait too long. */
const DEFAULT_MAX_WAITING = 1_000;

interface RequestQueueOptions {
  /** Maximum number of concurrent calls. */
  readonly maxConcurrent: number;
  /** From the start of one call to the start of the next, in seconds. */
  readonly minInterval: number;
  /** Maximum number of waiting calls; further ones are rejected, or take the place of a caller's that has more. */
  readonly maxWaiting?: number;
  /** Where its stats go: gauges with this name as the label `queue`, and a debug line at the end of each call. */
  readonly report?: {
    readonly name: string;
    readonly metrics: Pick<Metrics, 'set' | 'beforeRender'>;
    readonly log: Pick<Logger, 'debug'>;
  };
}

/** Times in seconds; counts since the start of the process. */
interface RequestQueueStats {
  readonly max_concurrent: number;
  readonly min_interval: number;
  readonly active_requests: number;
  readonly waiting_requests: number;
  /** Finished calls, successful or not. */
  readonly total_requests: number;
  /** Mean waiting time of the calls that were started. */
  readonly avg_wait_time: number;
}

/** Leaves the queue when it aborts; ignored once the call has started. */
type Leaving = AbortSignal | undefined;

/**
 * A queue in front of a slow upstream: at most `maxConcurrent` calls at a time, and at least `minInterval` between their
 * starts. First in, first out for each caller; waiting callers are served in turn. Each upstream has its own.
 */
export class RequestQueue {
  readonly #options: RequestQueueOptions & { readonly maxWaiting: number };
  readonly #line: FairSlots<string>;
  #apart: Promise<void> = Promise.resolve();
  #lastStart = -Infinity;
  #waiting = 0;
  #active = 0;
  #started = 0;
  #waitedMs = 0;
  #ended = 0;

  constructor(options: RequestQueueOptions) {
    this.#options = { maxWaiting: DEFAULT_MAX_WAITING, ...options };
    const { maxConcurrent, maxWaiting } = this.#options;
    this.#line = new FairSlots({ slots: maxConcurrent, perCaller: maxConcurrent, maxWaiting });
    const { name: queue = '', metrics } = options.report ?? {};
    metrics?.beforeRender(() => {
      metrics.set('image_upstream_active_requests', this.#active, { queue });
      metrics.set('image_upstream_waiting_requests', this.#waiting, { queue });
    });
  }

  /**
   * Waits for a turn: `using turn = await queue.acquire()`. Dispose of the turn to end the call.
   * @param caller who shares the queue with others, e.g. an address
   * @throws PipelineError `overloaded` if too many calls are waiting, or the reason of the signal
   */
  async acquire(signal: Leaving = new AbortController().signal, caller = ''): Promise<Disposable> {
    signal.throwIfAborted();
    const askedAt = performance.now();
    this.#waiting++;
    try {
      const slot = await this.#line.acquire(caller, signal);
      if (typeof slot === 'string') {
        signal.throwIfAborted();
        throw new PipelineError(
          'overloaded',
          `Too many calls are waiting (${this.#options.maxWaiting}). Retry later.`,
        );
      }
      try {
        await this.#keepDistance(signal);
      } catch (error) {
        slot();
        throw error;
      }
      return this.#begin(performance.now() - askedAt, slot);
    } finally {
      this.#waiting--;
    }
  }

  /** Runs `work` when it is its turn. @throws the errors of `acquire` and `work` */
  async execute<Result>(
    work: () => Result | Promise<Result>,
    signal?: Leaving,
    caller?: string,
  ): Promise<Result> {
    const turn = await this.acquire(signal, caller);
    try {
      // Time may have passed since the turn was granted; waiting calls check again when they wake up.
      this.#lastStart = performance.now();
      return await work();
    } finally {
      turn[Symbol.dispose]();
    }
  }

  getStats(): RequestQueueStats {
    const { maxConcurrent, minInterval } = this.#options;
    return {
      max_concurrent: maxConcurrent,
      min_interval: minInterval,
      active_requests: this.#active,
      waiting_requests: this.#waiting,
      total_requests: this.#ended,
      avg_wait_time: this.#started === 0 ? 0 : this.#waitedMs / this.#started / 1_000,
    };
  }

  /** One after another, so that the order is kept and a late start delays the following ones. */
  #keepDistance(signal: AbortSignal): Promise<void> {
    const apart = this.#apart.then(() => this.#untilApart(signal));
    this.#apart = apart.catch(() => undefined);
    return apart;
  }

  /** Uses the monotonic clock, and waits again if a timer fires early. */
  async #untilApart(signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const leftMs = this.#lastStart + this.#options.minInterval * 1_000 - performance.now();
      if (leftMs <= 0) break;
      await pause(leftMs, signal);
    }
    this.#lastStart = performance.now();
  }

  #begin(waitedMs: number, release: Release): Disposable {
    this.#active++;
    this.#started++;
    this.#waitedMs += waitedMs;
    let isActive = true;
    return {
      [Symbol.dispose]: () => {
        if (!isActive) return;
        isActive = false;
        this.#active--;
        this.#ended++;
        const { name: queue, log } = this.#options.report ?? {};
        log?.debug({ queue, ...this.getStats() }, 'upstream call ended');
        release();
      },
    };
  }
}
