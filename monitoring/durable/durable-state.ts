import { peaksSchema, totalsSchema } from '@image-pipeline/shared/contracts/snapshot.ts';
import { monitoringStateKey } from '@image-pipeline/shared/store/keys.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { jsonBody, readJson } from '@image-pipeline/shared/store/read-object.ts';
import { z } from 'zod';
import { openRunSchema } from '../events/run-tracker.ts';

/** The last counted event. The id distinguishes this log from a recreated one. */
const markSchema = z.object({ offset: z.int().min(0), event_id: z.string() });
export type Mark = z.output<typeof markSchema>;

/** The state that survives a restart: the object `state/monitoring.json`, replaced as a whole. One instance writes it. */
const durableStateSchema = z.object({
  version: z.literal(1),
  mark: markSchema.nullable(),
  /** The oldest open runs. */
  open: z.array(openRunSchema).default([]),
  /** Offset from which the log has all open runs that are not listed; null if all are listed. */
  open_from: z.int().min(0).nullable(),
  /** Number of open runs that were in no queue. */
  unaccounted: z.int().min(0).default(0),
  totals: totalsSchema,
  peaks: peaksSchema,
});
export type DurableState = z.output<typeof durableStateSchema>;

/** @throws StoreUnavailable, and PipelineError if the record is invalid */
export function loadState(store: Pick<ObjectStore, 'get'>): Promise<DurableState | undefined> {
  return readJson(store, monitoringStateKey, durableStateSchema);
}

/** @throws StoreUnavailable */
export function saveState(store: Pick<ObjectStore, 'put'>, state: DurableState): Promise<void> {
  return store.put(monitoringStateKey, jsonBody(state));
}

/** Where to start reading the log: at the first event that is not counted or has an open run that is not listed. */
export function offsetToReadFrom(state: DurableState | undefined): number {
  return Math.min(state?.mark?.offset ?? 0, state?.open_from ?? Infinity);
}
