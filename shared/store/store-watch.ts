import { messageOf, StoreUnavailable } from '../errors.ts';
import type { Startable } from '../lifecycle.ts';
import type { Logger } from '../log.ts';
import { Repeater } from '../repeater.ts';
import { readinessKey } from './keys.ts';
import type { ObjectStore } from './object-store.ts';
import { waitForStore } from './wait-for-store.ts';

const CHECK_EVERY_SECONDS = 5;
const RETRY_SECONDS = 2;

/** Written to find out whether a store accepts writes again; in bytes. */
const PROBE_BYTES = 64 * 1024;

type WatchedStore = Pick<ObjectStore, 'stat' | 'put' | 'remove'>;

/**
 * Checks regularly whether the store is available: its bucket or folder may be deleted while nobody uses it. A store that is
 * full or read-only still responds to reads: once it has refused a write, it counts as unavailable until it accepts one.
 */
export class StoreWatch implements Startable {
  readonly #store: WatchedStore;
  readonly #log: Logger;
  readonly #repeater = new Repeater(() => this.#check(), CHECK_EVERY_SECONDS);
  #reason: string | undefined = 'The object store has not responded yet.';

  #refusesWrites = false;

  constructor(store: WatchedStore, log: Logger) {
    this.#store = store;
    this.#log = log;
  }

  /** Why the store was unavailable at the last check; undefined if it was available. */
  get unavailableBecause(): string | undefined {
    return this.#reason;
  }

  /** The same store; its refusals of writes are noticed. */
  watchWrites(store: ObjectStore): ObjectStore {
    const noticed = async <Result>(write: Promise<Result>): Promise<Result> => {
      try {
        return await write;
      } catch (error) {
        if (error instanceof StoreUnavailable) {
          this.#refusesWrites = true;
          this.#reason = error.message;
        }
        throw error;
      }
    };
    return {
      start: () => store.start(),
      stop: () => store.stop(),
      put: (key, body, announced) => noticed(store.put(key, body, announced)),
      putIfAbsent: (key, body) => noticed(store.putIfAbsent(key, body)),
      get: (key) => store.get(key),
      stat: (key) => store.stat(key),
      list: (prefix, options) => store.list(prefix, options),
      remove: (key) => store.remove(key),
    };
  }

  async start(): Promise<void> {
    await this.#repeater.start();
    await this.#repeater.now();
  }

  stop(): Promise<void> {
    return this.#repeater.stop();
  }

  /** Resolves when the store responds; rejects when `signal` aborts. */
  async whenAvailable(signal: AbortSignal): Promise<void> {
    await waitForStore(() => this.#store.stat(readinessKey), signal, this.#log);
  }

  async #check(): Promise<number | undefined> {
    try {
      await this.#store.stat(readinessKey);
      if (this.#refusesWrites) await this.#proveWrites();
      this.#reason = undefined;
      return undefined;
    } catch (error) {
      this.#reason = messageOf(error);
      return RETRY_SECONDS;
    }
  }

  async #proveWrites(): Promise<void> {
    await this.#store.put(readinessKey, Buffer.alloc(PROBE_BYTES));
    this.#refusesWrites = false;
    await this.#store.remove(readinessKey);
  }
}
