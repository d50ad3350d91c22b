import type { Broker } from '@image-pipeline/shared/broker/broker.ts';
import { PipelineError, StoreUnavailable } from '@image-pipeline/shared/errors.ts';
import type { Startable } from '@image-pipeline/shared/lifecycle.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import type { StoreWatch } from '@image-pipeline/shared/store/store-watch.ts';
import { startStore } from '@image-pipeline/shared/store/wait-for-store.ts';

type StoreOptions = Parameters<typeof startStore>[1];

interface AvailabilityOptions extends StoreOptions {
  readonly store: ObjectStore;
  readonly broker: Pick<Broker, 'unavailableBecause'>;
  readonly storeWatch: Pick<StoreWatch, 'unavailableBecause'>;
  /** Why a consumer of the API does not consume, or undefined. */
  readonly notConsumingBecause: () => string | undefined;
}

/** Opens the store once it is available, and knows why the API cannot accept jobs or lacks a part. */
export class Availability implements Startable {
  readonly #options: AvailabilityOptions;
  #opening: Promise<void> | undefined;
  #isStoreOpen = false;

  constructor(options: AvailabilityOptions) {
    this.#options = options;
  }

  /** Resolves when the store is open; rejects when `signal` aborts. */
  start(): Promise<void> {
    return (this.#opening ??= startStore(this.#options.store, this.#options).then(() => {
      this.#isStoreOpen = true;
    }));
  }

  /** Waits for `start`, which would continue to write. */
  async stop(): Promise<void> {
    await this.#opening?.catch(() => undefined);
    await this.#options.store.stop();
  }

  /** Why no job can be accepted right now, or undefined. */
  get whyUnavailable(): PipelineError | undefined {
    const reason = this.#options.broker.unavailableBecause;
    if (reason !== undefined) return new PipelineError('broker_unavailable', reason);
    return this.#isStoreOpen ? undefined : new StoreUnavailable('The object store has not responded yet.');
  }

  /** Why a part of the API does not work, or undefined. */
  get whyIncomplete(): PipelineError | undefined {
    const { storeWatch, notConsumingBecause } = this.#options;
    if (this.whyUnavailable !== undefined) return this.whyUnavailable;
    const missing = storeWatch.unavailableBecause;
    if (missing !== undefined) return new StoreUnavailable(missing);
    const reason = notConsumingBecause();
    return reason === undefined ? undefined : new PipelineError('broker_unavailable', reason);
  }
}
