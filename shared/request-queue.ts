import { setTimeout as sleep } from 'node:timers/promises';
import PQueue from 'p-queue';
import { PipelineError } from './errors.ts';
import type { Logger } from './log.ts';
import type { Metrics } from './metrics.ts';

/** Far more than a page requests at once; further calls would wait too long. */
const DEFAULT_MAX_WAITING = 1_000;

export interface RequestQueueOptions {
  /** Maximum number of concurrent calls. */
  readonly maxConcurrent: number;
  /** From the start of one call to the start of the next, in seconds. */
  readonly minInterval: number;
  /** Maximum number of waiting calls; further ones are rejected. */
  readonly maxWaiting?: number;
  /** Where its stats go: gauges with this name as the label `queue`, and a debug line at the end of each call. */
  readonly report?: {
    readonly name: string;
    readonly metrics: Pick<Metrics, 'set' | 'beforeRender'>;
    readonly log: Pick<Logger, 'debug'>;
  };
}

/** Times in seconds; counts since the start of the process. */
export interface RequestQueueStats {
  readonly max_concurrent: number;
  readonly min_interval: number;
  readonly active_requests: number;
  readonly waiting_requests: number;
  /** Finished calls, successful or not. */
  readonly total_requests: number;
  /** Mean waiting time of the calls that were started. */
  readonly avg_wait_time: number;
}

/**
 * A first-in, first-out queue in front of a slow upstream: at most `maxConcurrent` calls at a time, and at least
 * `minInterval` between their starts. Each upstream has its own.
 */
export class RequestQueue {
  readonly #options: RequestQueueOptions & { readonly maxWaiting: number };
  readonly #line: PQueue;
  #apart: Promise<void> = Promise.resolve();
  #lastStart = -Infinity;
  #waiting = 0;
  #active = 0;
  #started = 0;
  #waitedMs = 0;
  #ended = 0;

  constructor(options: RequestQueueOptions) {
    this.#options = { maxWaiting: DEFAULT_MAX_WAITING, ...options };
    this.#line = new PQueue({ concurrency: options.maxConcurrent });
    const { name: queue = '', metrics } = options.report ?? {};
    metrics?.beforeRender(() => {
      metrics.set('image_upstream_active_requests', this.#active, { queue });
      metrics.set('image_upstream_waiting_requests', this.#waiting, { queue });
    });
  }

  /**
   * Waits for a turn: `using turn = await queue.acquire()`. Dispose of the turn to end the call.
   * @param signal leaves the queue when it aborts; ignored once the call has started
   * @throws PipelineError `overloaded` if too many calls are waiting, or the reason of the signal
   */
  async acquire(signal?: AbortSignal): Promise<Disposable> {
    const { maxWaiting } = this.#options;
    signal?.throwIfAborted();
    if (this.#waiting >= maxWaiting) {
      throw new PipelineError('overloaded', `Too many calls are waiting (${maxWaiting}).`);
    }
    const askedAt = performance.now();
    const { promise: turn, resolve, reject } = Promise.withResolvers<Disposable>();
    // Not the caller's signal: p-queue frees the slot of a running call whose signal aborts.
    const leaving = new AbortController();
    const leave = () => leaving.abort(signal?.reason);
    signal?.addEventListener('abort', leave, { once: true });
    this.#waiting++;
    this.#line
      .add(
        async () => {
          await this.#keepDistance(leaving.signal);
          leaving.signal.throwIfAborted();
          signal?.removeEventListener('abort', leave);
          const { promise: released, resolve: release } = Promise.withResolvers<undefined>();
          this.#begin(performance.now() - askedAt);
          resolve({ [Symbol.dispose]: () => release(undefined) });
          await released;
          this.#end();
        },
        { signal: leaving.signal },
      )
      .catch((error: unknown) => {
        this.#waiting--;
        reject(error instanceof Error ? error : new Error(String(error)));
      });
    return turn;
  }

  /** Runs `work` when it is its turn. @throws the errors of `acquire` and `work` */
  async execute<Result>(work: () => Result | Promise<Result>, signal?: AbortSignal): Promise<Result> {
    const turn = await this.acquire(signal);
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
      await sleep(Math.ceil(leftMs), undefined, { signal });
    }
    this.#lastStart = performance.now();
  }

  #begin(waitedMs: number): void {
    this.#waiting--;
    this.#active++;
    this.#started++;
    this.#waitedMs += waitedMs;
  }

  #end(): void {
    this.#active--;
    this.#ended++;
    const { name: queue, log } = this.#options.report ?? {};
    log?.debug({ queue, ...this.getStats() }, 'upstream call ended');
  }
}
