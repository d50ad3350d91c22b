import {
  openReplayKey,
  openReplaysPrefix,
  replayEndKey,
  replayPlanKey,
} from '@image-pipeline/shared/store/keys.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { jsonBody, readJson } from '@image-pipeline/shared/store/read-object.ts';
import {
  replayEndSchema,
  replayPlanSchema,
  replayProgressSchema,
  type ReplayEnd,
  type ReplayPlan,
  type ReplayProgress,
} from './replay-record.ts';

export interface OpenReplay {
  readonly id: string;
  /** Another one each time that its runner has written. */
  readonly etag: string;
}

/** A replay as the store knows it. */
export type StoredReplay = { readonly plan: ReplayPlan } & (
  { readonly end: ReplayEnd } | { readonly progress: ReplayProgress }
);

/** The replays in the store. Every call may throw StoreUnavailable, and be repeated then. */
export class ReplayRecords {
  readonly #store: ObjectStore;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  /** The plan first: what is open can be carried out. */
  async create(plan: ReplayPlan, progress: ReplayProgress): Promise<void> {
    await this.#store.putIfAbsent(replayPlanKey(plan.replay_id), jsonBody(plan));
    await this.write(progress);
  }

  /** Undefined where it is not open. */
  progress(id: string): Promise<ReplayProgress | undefined> {
    return readJson(this.#store, openReplayKey(id), replayProgressSchema);
  }

  async write(progress: ReplayProgress): Promise<void> {
    await this.#store.put(openReplayKey(progress.replay_id), jsonBody(progress));
  }

  /** The first end stays; only then it is no longer open. */
  async end(end: ReplayEnd): Promise<void> {
    await this.#store.putIfAbsent(replayEndKey(end.replay_id), jsonBody(end));
    await this.close(end.replay_id);
  }

  async close(id: string): Promise<void> {
    await this.#store.remove(openReplayKey(id));
  }

  /** Those that have not ended, oldest first. Tidies up after runners that died between an end and its closing. */
  async open(): Promise<OpenReplay[]> {
    const open: OpenReplay[] = [];
    for await (const { key, etag } of this.#store.list(openReplaysPrefix)) {
      const id = key.slice(openReplaysPrefix.length).replace(/\.json$/, '');
      if ((await this.#store.stat(replayEndKey(id))) === undefined) open.push({ id, etag });
      else await this.close(id);
    }
    return open;
  }

  /** @param id a uuid; undefined where no such replay was begun */
  async find(id: string): Promise<StoredReplay | undefined> {
    const plan = await readJson(this.#store, replayPlanKey(id), replayPlanSchema);
    if (plan === undefined) return undefined;
    // In this order, or it might end in between.
    const progress = await this.progress(id);
    const end = await readJson(this.#store, replayEndKey(id), replayEndSchema);
    if (end !== undefined) return { plan, end };
    return progress && { plan, progress };
  }
}
