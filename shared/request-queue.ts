import { setTimeout as sleep } from 'node:timers/promises';
import PQueue from 'p-queue';
import { PipelineError } from './errors.ts';

/** Far more than a page asks for at once; what comes on top would only wait for ever. */
const DEFAULT_MAX_WAITING = 1_000;

export interface RequestQueueOptions {
  /** Calls under way at once. */
  readonly maxConcurrent: number;
  /** From the start of one call to the start of the next, in seconds. */
  readonly minInterval: number;
  /** Calls that may wait for their turn; further ones are refused. */
  readonly maxWaiting?: number;
}

/** Times in seconds; the counts begin with the process. */
export interface RequestQueueStats {
  readonly max_concurrent: number;
  readonly min_interval: number;
  readonly active_requests: number;
  readonly waiting_requests: number;
  /** Calls that have ended, well or not. */
  readonly total_requests: number;
  /** From asking for a turn to getting it, over all calls that got one. */
  readonly avg_wait_time: number;
}

/**
 * The line in front of something slow: at most `maxConcurrent` calls at once, `minInterval` between their starts, first
 * come, first served. One for each upstream. As `reference/2` describes it.
 */
export class RequestQueue {
  readonly #options: Required<RequestQueueOptions>;
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
  }

  /**
   * Waits for a turn: `using turn = await queue.acquire()`. The turn must be disposed of.
   * @param signal leaves the line when it aborts; once the turn has come, it changes nothing
   * @throws PipelineError `overloaded` where too many wait already, and what the signal aborted with
   */
  async acquire(signal?: AbortSignal): Promise<Disposable> {
    const { maxWaiting } = this.#options;
    signal?.throwIfAborted();
    if (this.#waiting >= maxWaiting) {
      throw new PipelineError('overloaded', `${maxWaiting} calls are waiting for their turn already.`);
    }
    const askedAt = performance.now();
    const { promise: turn, resolve, reject } = Promise.withResolvers<Disposable>();
    // Of its own, because p-queue gives the place of a call away whose signal aborts while it is under way.
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

  /** Does `work` when its turn has come. @throws what acquire and `work` throw */
  async execute<Result>(work: () => Result | Promise<Result>, signal?: AbortSignal): Promise<Result> {
    const turn = await this.acquire(signal);
    try {
      // A moment may have passed since the turn came; those who wait look at this again when they wake.
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

  /** One after the other, so that the order stays and a start that came late moves those behind it. */
  #keepDistance(signal: AbortSignal): Promise<void> {
    const apart = this.#apart.then(() => this.#untilApart(signal));
    this.#apart = apart.catch(() => undefined);
    return apart;
  }

  /** By the steady clock, and again after a timer that fired early. */
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
  }
}
