import { messageOf } from '../errors.ts';
import type { Startable } from '../lifecycle.ts';
import type { Logger } from '../log.ts';
import { Repeater } from '../repeater.ts';
import type { ObjectStore } from './object-store.ts';
import { waitForStore } from './wait-for-store.ts';

const CHECK_EVERY_SECONDS = 5;
const RETRY_SECONDS = 2;

/** Need not exist: only whether the store responds matters. A missing bucket or folder is an error. */
const PROBE_KEY = 'state/readiness';

/** Checks regularly whether the store is available: its bucket or folder may be deleted while nobody uses it. */
export class StoreWatch implements Startable {
  readonly #store: Pick<ObjectStore, 'stat'>;
  readonly #log: Logger;
  readonly #repeater = new Repeater(() => this.#check(), CHECK_EVERY_SECONDS);
  #reason: string | undefined = 'The object store has not responded yet.';

  constructor(store: Pick<ObjectStore, 'stat'>, log: Logger) {
    this.#store = store;
    this.#log = log;
  }

  /** Why the store was unavailable at the last check; undefined if it was available. */
  get unavailableBecause(): string | undefined {
    return this.#reason;
  }

  start(): Promise<void> {
    this.#repeater.start();
    return this.#repeater.now();
  }

  stop(): Promise<void> {
    return this.#repeater.stop();
  }

  /** Resolves when the store responds; rejects when `signal` aborts. */
  async whenAvailable(signal: AbortSignal): Promise<void> {
    await waitForStore(() => this.#store.stat(PROBE_KEY), signal, this.#log);
  }

  async #check(): Promise<number | undefined> {
    try {
      await this.#store.stat(PROBE_KEY);
      this.#reason = undefined;
      return undefined;
    } catch (error) {
      this.#reason = messageOf(error);
      return RETRY_SECONDS;
    }
  }
}
