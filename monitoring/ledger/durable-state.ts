import { peaksSchema, type Snapshot, totalsSchema } from '@image-pipeline/shared/contracts/snapshot.ts';
import { messageOf, StoreUnavailable } from '@image-pipeline/shared/errors.ts';
import type { Startable } from '@image-pipeline/shared/lifecycle.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import { Repeater } from '@image-pipeline/shared/repeater.ts';
import { monitoringStateKey, snapshotKey } from '@image-pipeline/shared/store/keys.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { jsonBody, readJson } from '@image-pipeline/shared/store/read-object.ts';
import { z } from 'zod';
import { openRunSchema } from '../runs/run-tracker.ts';

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
  /** The interval that was set at runtime, in seconds, and the configured one that it replaces. */
  interval: z.object({ seconds: z.number().positive(), configured: z.number() }).optional(),
});
export type DurableState = z.output<typeof durableStateSchema>;

/** @throws StoreUnavailable, and PipelineError if the record is invalid */
export function loadState(store: Pick<ObjectStore, 'get'>): Promise<DurableState | undefined> {
  return readJson(store, monitoringStateKey, durableStateSchema);
}

/** Where to start reading the log: at the first event that is not counted or has an open run that is not listed. */
export function offsetToReadFrom(state: DurableState | undefined): number {
  return Math.min(state?.mark?.offset ?? 0, state?.open_from ?? Infinity);
}

/** Later events are in the log, so this only limits how much is read again after a crash. */
const SAVE_EVERY_SECONDS = 10;

export interface StateSaverOptions {
  readonly store: Pick<ObjectStore, 'put'>;
  readonly state: () => DurableState;
  readonly snapshot: () => Snapshot;
  readonly log: Logger;
}

/** Saves the state, if it has changed, and the snapshot periodically and at the end. Retries while the store is unavailable. */
export class StateSaver implements Startable {
  readonly #options: StateSaverOptions;
  readonly #repeater = new Repeater(() => this.#save(), SAVE_EVERY_SECONDS);
  #saved = '';
  #isUnavailable = false;

  constructor(options: StateSaverOptions) {
    this.#options = options;
  }

  start(): Promise<void> {
    return this.#repeater.start();
  }

  async stop(): Promise<void> {
    await this.#repeater.stop();
    await this.#save();
  }

  async #save(): Promise<undefined> {
    const { store, log } = this.#options;
    const state = this.#options.state();
    const text = JSON.stringify(state);
    const snapshot = this.#options.snapshot();
    try {
      if (text !== this.#saved) await store.put(monitoringStateKey, jsonBody(state));
      this.#saved = text;
      if (isComplete(snapshot)) await store.put(snapshotKey, jsonBody(snapshot));
      this.#isUnavailable = false;
    } catch (error) {
      if (this.#isUnavailable) return;
      this.#isUnavailable = error instanceof StoreUnavailable;
      log.warn({ reason: messageOf(error) }, 'could not store peaks and totals; retrying');
    }
  }
}

/** An incomplete one, as after a start without RabbitMQ, must not replace the last complete one. */
function isComplete({ sources }: Snapshot): boolean {
  return sources.management.state !== 'never' && sources.events.state !== 'never';
}
