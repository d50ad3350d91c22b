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
  /** Undefined until it has its turn. */
  inProgress: Promise<Value> | undefined;
  /** By caller. */
  readonly lines: Map<string, Line<Value>>;
}

/** The requests of one caller for the same value: one call in the queue until the read has its turn. */
interface Line<Value> {
  readonly value: Promise<Value>;
  waiters: number;
  readonly leaving: AbortController;
}

/**
 * Coalesces identical reads of a slow store; reads are queued. Each caller waits in its own line of the queue, not behind
 * the requests of others. The first call that has its turn reads the value for all.
 */
export class SharedReads<Value> {
  readonly #queue: RequestQueue;
  readonly #reads = new Map<string, SharedRead<Value>>();

  constructor(queue: RequestQueue) {
    this.#queue = queue;
  }

  /**
   * The value of `key`, shared with all concurrent callers. When all requests of a caller have ended, its call leaves the
   * queue; a read in progress completes.
   * @throws PipelineError `overloaded` if the queue is full or too slow, StoreUnavailable if the read did not end in time;
   * what `read` throws; Error when the signal aborts
   */
  async join(key: string, { read, caller, timeoutMs, signal }: SharedReadOptions<Value>): Promise<Value> {
    signal.throwIfAborted();
    const shared = this.#reads.get(key) ?? { inProgress: undefined, lines: new Map<string, Line<Value>>() };
    this.#reads.set(key, shared);
    const line = shared.lines.get(caller) ?? this.#enter(shared, key, caller, read);
    shared.lines.set(caller, line);
    line.waiters++;
    try {
      return await withinDeadline(
        timeoutMs,
        () => untilAborted(line.value, signal, () => new Error('the client closed the connection')),
        () => timeoutError(shared.inProgress !== undefined),
      );
    } finally {
      line.waiters--;
      if (line.waiters === 0) this.#leave(shared, key, caller, line);
    }
  }

  #enter(shared: SharedRead<Value>, key: string, caller: string, read: () => Promise<Value>): Line<Value> {
    const leaving = new AbortController();
    const begin = () => {
      shared.inProgress ??= read().finally(() => this.#forget(shared, key));
      for (const other of shared.lines.values()) if (other.leaving !== leaving) other.leaving.abort();
      return shared.inProgress;
    };
    const value =
      shared.inProgress ??
      this.#queue.execute(begin, leaving.signal, caller).catch((error: unknown) => {
        // It left the queue because another caller had its turn first.
        if (shared.inProgress !== undefined) return shared.inProgress;
        throw error;
      });
    // All requests may have ended: no unhandled rejection then.
    value.catch(() => undefined);
    return { value, waiters: 0, leaving };
  }

  #leave(shared: SharedRead<Value>, key: string, caller: string, line: Line<Value>): void {
    if (shared.inProgress !== undefined) return;
    shared.lines.delete(caller);
    line.leaving.abort();
    if (shared.lines.size === 0) this.#forget(shared, key);
  }

  #forget(shared: SharedRead<Value>, key: string): void {
    if (this.#reads.get(key) === shared) this.#reads.delete(key);
  }
}

function timeoutError(isInProgress: boolean): PipelineError {
  return isInProgress
    ? new StoreUnavailable('The object store did not respond in time. Retry later.')
    : new PipelineError('overloaded', 'Too many requests in progress: no free slot in time. Retry later.');
}
