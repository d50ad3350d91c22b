import { PipelineError, StoreUnavailable } from '@image-pipeline/shared/errors.ts';
import type { RequestQueue } from '@image-pipeline/shared/request-queue.ts';
import { DeadlineExceeded, withinDeadline } from '@image-pipeline/shared/within-deadline.ts';

export interface SharedReadsOptions<Value> {
  readonly queue: RequestQueue;
  /** Done when its turn has come; must end by itself, as the turn is kept until it does. */
  readonly read: (key: string) => Promise<Value>;
  /** How long askers wait, in line and for the read, in milliseconds. */
  readonly timeoutMs: number;
}

interface SharedRead<Value> {
  readonly value: Promise<Value>;
  waiters: number;
  /** Gives the place in line up; changes nothing once the turn has come. */
  readonly leave: () => void;
}

/** One read of a slow store for many identical askers, each read in its turn. */
export class SharedReads<Value> {
  readonly #options: SharedReadsOptions<Value>;
  readonly #reads = new Map<string, SharedRead<Value>>();

  constructor(options: SharedReadsOptions<Value>) {
    this.#options = options;
  }

  /**
   * The value under `key`, together with all who ask for it at this moment. When the last of them has gone, the place
   * in line is given up; a read that has begun goes on to its end.
   * @param signal aborts when the asker is gone
   * @throws PipelineError `overloaded` where the line is full or the turn did not come in time, StoreUnavailable where
   * the read did not end in time; what `read` throws, and what the signal aborted with
   */
  async join(key: string, signal: AbortSignal): Promise<Value> {
    signal.throwIfAborted();
    const read = this.#reads.get(key) ?? this.#begin(key);
    read.waiters++;
    try {
      return await untilAborted(read.value, signal);
    } finally {
      read.waiters--;
      if (read.waiters === 0) read.leave();
    }
  }

  #begin(key: string): SharedRead<Value> {
    const { queue, read, timeoutMs } = this.#options;
    const leaving = new AbortController();
    let hasTurn = false;
    const forget = () => {
      if (this.#reads.get(key) === begun) this.#reads.delete(key);
    };
    const value = withinDeadline(timeoutMs, (late) =>
      queue.execute(
        () => {
          hasTurn = true;
          return read(key);
        },
        AbortSignal.any([late, leaving.signal]),
      ),
    )
      .catch((error: unknown) => {
        throw error instanceof DeadlineExceeded ? timeoutError(hasTurn, timeoutMs) : error;
      })
      .finally(forget);
    // Whoever has asked is told of a failure; all of them may have left.
    value.catch(() => undefined);
    const begun = {
      value,
      waiters: 0,
      leave: () => {
        if (hasTurn) return;
        forget();
        leaving.abort();
      },
    };
    this.#reads.set(key, begun);
    return begun;
  }
}

function timeoutError(hasTurn: boolean, timeoutMs: number): PipelineError {
  return hasTurn
    ? new StoreUnavailable(`The store did not hand it out within ${timeoutMs} ms.`)
    : new PipelineError('overloaded', `Too many wait for the store: no turn within ${timeoutMs} ms.`);
}

async function untilAborted<Value>(value: Promise<Value>, signal: AbortSignal): Promise<Value> {
  const { promise: gone, reject } = Promise.withResolvers<never>();
  const leave = () => reject(new Error('nobody waits for the answer any more'));
  signal.addEventListener('abort', leave, { once: true });
  try {
    return await Promise.race([value, gone]);
  } finally {
    signal.removeEventListener('abort', leave);
  }
}
