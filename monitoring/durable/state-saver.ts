import { messageOf, StoreUnavailable } from '@image-pipeline/shared/errors.ts';
import type { Startable } from '@image-pipeline/shared/lifecycle.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import { Repeater } from '@image-pipeline/shared/repeater.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { saveState, type DurableState } from './durable-state.ts';

/** Later events are in the log, so this only limits how much is read again after a crash. */
const SAVE_EVERY_SECONDS = 10;

/** Saves the state periodically if it has changed, and at the end. Retries while the store is unavailable. */
export class StateSaver implements Startable {
  readonly #store: Pick<ObjectStore, 'put'>;
  readonly #state: () => DurableState;
  readonly #log: Logger;
  readonly #repeater = new Repeater(() => this.#save(), SAVE_EVERY_SECONDS);
  #saved = '';
  #isUnavailable = false;

  constructor(store: Pick<ObjectStore, 'put'>, state: () => DurableState, log: Logger) {
    this.#store = store;
    this.#state = state;
    this.#log = log;
  }

  start(): Promise<void> {
    this.#saved = JSON.stringify(this.#state());
    this.#repeater.start();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    await this.#repeater.stop();
    await this.#save();
  }

  async #save(): Promise<undefined> {
    const state = this.#state();
    const text = JSON.stringify(state);
    if (text === this.#saved) return;
    try {
      await saveState(this.#store, state);
      this.#saved = text;
      this.#isUnavailable = false;
    } catch (error) {
      if (this.#isUnavailable) return;
      this.#isUnavailable = error instanceof StoreUnavailable;
      this.#log.warn({ reason: messageOf(error) }, 'could not store peaks and totals; retrying');
    }
  }
}
