import type { Broker } from '@image-pipeline/shared/broker/broker.ts';
import { messageOf, PipelineError, StoreUnavailable } from '@image-pipeline/shared/errors.ts';
import { readinessKey } from '@image-pipeline/shared/store/keys.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import type { StoreWatch } from '@image-pipeline/shared/store/store-watch.ts';
import { withinDeadline } from '@image-pipeline/shared/waiting.ts';

interface AvailabilityDeps {
  readonly broker: Pick<Broker, 'unavailableBecause'>;
  readonly store: Pick<ObjectStore, 'stat'>;
  /** Whether the store has been opened since the start of the API. */
  readonly isStoreOpen: () => boolean;
  readonly storeWatch: Pick<StoreWatch, 'unavailableBecause'>;
  /** Why a consumer of the API does not consume, or undefined. */
  readonly notConsumingBecause: () => string | undefined;
  /** Whether the event log has been read to its end. */
  readonly isCaughtUp: () => boolean;
}

export interface Availability {
  /** Why no job can be accepted right now, or undefined. */
  readonly whyUnavailable: () => PipelineError | undefined;
  /** Why the API is not ready, or undefined: it also needs its consumers, the event log, and a store that responds now. */
  readonly whyNotReady: () => Promise<string | undefined>;
}

const PROBE_TIMEOUT_MS = 2_000;

export function createAvailability(deps: AvailabilityDeps): Availability {
  const { broker, store, isStoreOpen, storeWatch, notConsumingBecause, isCaughtUp } = deps;
  const whyUnavailable = () => {
    if (broker.unavailableBecause !== undefined) {
      return new PipelineError('broker_unavailable', broker.unavailableBecause);
    }
    return isStoreOpen() ? undefined : new StoreUnavailable('The object store has not responded yet.');
  };
  const whyNotReady = async () => {
    const known = whyUnavailable()?.message ?? storeWatch.unavailableBecause ?? notConsumingBecause();
    if (known !== undefined) return known;
    if (!isCaughtUp()) return 'the event log is still being read';
    try {
      await withinDeadline(PROBE_TIMEOUT_MS, () => store.stat(readinessKey));
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  };
  return { whyUnavailable, whyNotReady };
}
