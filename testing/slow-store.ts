import { setTimeout as sleep } from 'node:timers/promises';
import { StoreUnavailable } from '@image-pipeline/shared/errors.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';

type Reading = Pick<ObjectStore, 'get' | 'list'>;

/** A store with slow reads, which records the start of each and their concurrency. */
export class SlowStore implements Reading {
  readonly #store: Reading;
  readonly #takesMs: number;
  /** Starts of `get`, by the monotonic clock in milliseconds. */
  readonly starts: number[] = [];
  #active = 0;
  #calls = 0;
  #mostAtOnce = 0;
  #hangsMs: number | undefined;

  constructor(store: Reading, takesMs: number) {
    this.#store = store;
    this.#takesMs = takesMs;
  }

  /** Reads of any kind so far. */
  get calls(): number {
    return this.#calls;
  }

  get active(): number {
    return this.#active;
  }

  get mostAtOnce(): number {
    return this.#mostAtOnce;
  }

  /** From now on no read responds; each fails after the timeout, as in the adapters. */
  hang(timeoutMs: number): void {
    this.#hangsMs = timeoutMs;
  }

  resume(): void {
    this.#hangsMs = undefined;
  }

  async get(key: string): ReturnType<ObjectStore['get']> {
    this.starts.push(performance.now());
    return this.#counted(() => this.#store.get(key));
  }

  async *list(...asked: Parameters<ObjectStore['list']>): ReturnType<ObjectStore['list']> {
    yield* await this.#counted(() => Promise.resolve(this.#store.list(...asked)));
  }

  async #counted<Result>(read: () => Promise<Result>): Promise<Result> {
    this.#calls++;
    this.#mostAtOnce = Math.max(this.#mostAtOnce, ++this.#active);
    try {
      const hangsMs = this.#hangsMs;
      await sleep(hangsMs ?? this.#takesMs);
      if (hangsMs !== undefined) throw new StoreUnavailable('The store does not respond.');
      return await read();
    } finally {
      this.#active--;
    }
  }
}
