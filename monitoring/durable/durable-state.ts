import { peaksSchema, totalsSchema } from '@image-pipeline/shared/contracts/snapshot.ts';
import { monitoringStateKey } from '@image-pipeline/shared/store/keys.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { jsonBody, readJson } from '@image-pipeline/shared/store/read-object.ts';
import { z } from 'zod';
import { openRunSchema } from '../events/run-tracker.ts';

/** An event up to which, itself included, everything is counted. The id tells this log from one that was made anew. */
const markSchema = z.object({ offset: z.int().min(0), event_id: z.string() });
export type Mark = z.output<typeof markSchema>;

/** What outlives the process: the object `state/monitoring.json`, replaced as a whole. One instance writes it. */
const durableStateSchema = z.object({
  version: z.literal(1),
  mark: markSchema.nullable(),
  /** The runs that were open, oldest first, as far as they are listed. */
  open: z.array(openRunSchema).default([]),
  /** From where the log must be read to meet every open run that is not listed; null where all are. */
  open_from: z.int().min(0).nullable(),
  /** How many of the open ones were in no queue. */
  unaccounted: z.int().min(0).default(0),
  totals: totalsSchema,
  peaks: peaksSchema,
});
export type DurableState = z.output<typeof durableStateSchema>;

/** @throws StoreUnavailable, and PipelineError where the record is not one of ours */
export function loadState(store: Pick<ObjectStore, 'get'>): Promise<DurableState | undefined> {
  return readJson(store, monitoringStateKey, durableStateSchema);
}

/** @throws StoreUnavailable */
export function saveState(store: Pick<ObjectStore, 'put'>, state: DurableState): Promise<void> {
  return store.put(monitoringStateKey, jsonBody(state));
}

/** Where to begin to read the log: what is not counted yet, and open runs that are not listed. Without a state, all of it. */
export function offsetToReadFrom(state: DurableState | undefined): number {
  return Math.min(state?.mark?.offset ?? 0, state?.open_from ?? Infinity);
}
