import type { LifecycleStep, Startable } from '@image-pipeline/shared/lifecycle.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { startStore } from '@image-pipeline/shared/store/wait-for-store.ts';

/** Starts parts of the API while it already listens. */
export class Background {
  readonly #stopping: AbortSignal;
  readonly #failure = Promise.withResolvers<Error>();

  /** @param stopping errors after it are not failures */
  constructor(stopping: AbortSignal) {
    this.#stopping = stopping;
  }

  /** Resolves with the error of a part that could not start. */
  get failed(): Promise<Error> {
    return this.#failure.promise;
  }

  /** Does not wait for the start of the part. */
  step(name: string, part: Startable): LifecycleStep {
    return {
      name,
      start: () => {
        part.start().catch((error: unknown) => {
          if (this.#stopping.aborted) return;
          this.#failure.resolve(error instanceof Error ? error : new Error(String(error)));
        });
      },
      stop: () => part.stop(),
    };
  }
}

/** Opens the store once it is available. */
export class StoreOpener implements Startable {
  readonly #store: ObjectStore;
  readonly #options: Parameters<typeof startStore>[1];
  #opening: Promise<void> | undefined;
  #isOpen = false;

  constructor(store: ObjectStore, options: Parameters<typeof startStore>[1]) {
    this.#store = store;
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Resolves when the store is open; rejects when `signal` aborts. */
  start(): Promise<void> {
    return (this.#opening ??= startStore(this.#store, this.#options).then(() => {
      this.#isOpen = true;
    }));
  }

  /** Waits for `start`, which would continue to write. */
  async stop(): Promise<void> {
    await this.#opening?.catch(() => undefined);
    await this.#store.stop();
  }
}
