import { messageOf, StoreUnavailable } from '@image-pipeline/shared/errors.ts';
import type { Startable } from '@image-pipeline/shared/lifecycle.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import { Repeater } from '@image-pipeline/shared/repeater.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { saveState, type DurableState } from './durable-state.ts';

/** What happened since the last save is found in the log again, so this is only about how much is read again. */
const SAVE_EVERY_SECONDS = 10;

/** Saves the state now and then, where it has changed, and at the end. A store that is away is waited for. */
export class StateSaver implements Startable {
  readonly #store: Pick<ObjectStore, 'put'>;
  readonly #state: () => DurableState;
  readonly #log: Logger;
  readonly #repeater = new Repeater(() => this.#save(), SAVE_EVERY_SECONDS);
  #saved = '';
  #isAway = false;

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
      this.#isAway = false;
    } catch (error) {
      if (this.#isAway) return;
      this.#isAway = error instanceof StoreUnavailable;
      this.#log.warn({ reason: messageOf(error) }, 'peaks and totals could not be stored; trying again');
    }
  }
}
