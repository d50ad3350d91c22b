import { PipelineError, StoreUnavailable } from '@image-pipeline/shared/errors.ts';
import type { RequestQueue } from '@image-pipeline/shared/request-queue.ts';
import { untilAborted, withinDeadline } from '@image-pipeline/shared/waiting.ts';

export interface SharedReadOptions<Value> {
  /** Called with a slot of the queue; must settle by itself, because the slot is held until then. */
  readonly read: () => Promise<Value>;
  /** The client's address, which shares the queue with others. */
  readonly caller: string;
  /** Timeout for queue and read together, in milliseconds. */
  readonly timeoutMs: number;
  /** Aborts when the client is gone. */
  readonly signal: AbortSignal;
}

interface SharedRead<Value> {
  readonly value: Promise<Value>;
  waiters: number;
  /** Leaves the queue; does nothing once the read has begun. */
  readonly leave: () => void;
}

/** Coalesces identical reads of a slow store; reads are queued. */
export class SharedReads<Value> {
  readonly #queue: RequestQueue;
  readonly #reads = new Map<string, SharedRead<Value>>();

  constructor(queue: RequestQueue) {
    this.#queue = queue;
  }

  /**
   * The value of `key`, shared with all concurrent callers: the options of the first one apply. When the last of them has gone, the read leaves the queue; a
   * read that has begun completes.
   * @throws PipelineError `overloaded` if the queue is full or too slow, StoreUnavailable if
   * the read did not end in time; what `read` throws; Error when the signal aborts
   */
  async join(key: string, options: SharedReadOptions<Value>): Promise<Value> {
    const { signal } = options;
    signal.throwIfAborted();
    const read = this.#reads.get(key) ?? this.#begin(key, options);
    read.waiters++;
    try {
      return await untilAborted(read.value, signal, () => new Error('the client closed the connection'));
    } finally {
      read.waiters--;
      if (read.waiters === 0) read.leave();
    }
  }

  #begin(key: string, { read, caller, timeoutMs }: SharedReadOptions<Value>): SharedRead<Value> {
    const leaving = new AbortController();
    let hasTurn = false;
    const forget = () => {
      if (this.#reads.get(key) === shared) this.#reads.delete(key);
    };
    const begin = () => {
      hasTurn = true;
      return read();
    };
    const value = withinDeadline(
      timeoutMs,
      (late) => this.#queue.execute(begin, AbortSignal.any([late, leaving.signal]), caller),
      () => timeoutError(hasTurn, timeoutMs),
    ).finally(forget);
    // All callers may have left: no unhandled rejection then.
    value.catch(() => undefined);
    const shared = {
      value,
      waiters: 0,
      leave: () => {
        if (hasTurn) return;
        forget();
        leaving.abort();
      },
    };
    this.#reads.set(key, shared);
    return shared;
  }
}

function timeoutError(hasTurn: boolean, ms: number): PipelineError {
  const timeoutMs = Math.round(ms);
  return hasTurn
    ? new StoreUnavailable(`The object store did not respond within ${timeoutMs} ms. Retry later.`)
    : new PipelineError(
        'overloaded',
        `Too many requests in progress: no slot within ${timeoutMs} ms. Retry later.`,
      );
}
