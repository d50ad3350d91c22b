import { isDamagedRecord } from '@image-pipeline/shared/errors.ts';
import {
  openReplayKey,
  openReplaysPrefix,
  replayEndKey,
  replayPlanKey,
  replaysPrefix,
} from '@image-pipeline/shared/store/keys.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { jsonBody, readJson } from '@image-pipeline/shared/store/read-object.ts';
import { z } from 'zod';

/** A dead run. Its replay is the next run of the job. */
const deadRunSchema = z.object({ job_id: z.string(), run: z.int().min(1) });
export type DeadRun = z.output<typeof deadRunSchema>;

/** State of one run of a replay; `replayed`: queued, not ended yet. */
export const replayedStates = ['waiting', 'replayed', 'completed', 'failed', 'skipped'] as const;
export type ReplayedState = (typeof replayedStates)[number];

const common = { version: z.literal(1), replay_id: z.uuid() };

/** The runs to replay: the object `replays/{replay_id}/plan.json`. */
const replayPlanSchema = z.object({ ...common, started_at: z.iso.datetime(), runs: z.array(deadRunSchema) });
export type ReplayPlan = z.output<typeof replayPlanSchema>;

/**
 * The progress of a replay that has not ended: the object `open-replays/{replay_id}.json`. Only a cache: the job's own
 * objects decide whether a run was queued and how it ended.
 */
const replayProgressSchema = z.object({
  ...common,
  /** State of each run of the plan, in its order. */
  jobs: z.array(z.enum(replayedStates)),
  /** Why the replay stops; null while it goes on. */
  reason: z.string().nullable(),
});

/** The progress of a replay in the memory of the replica that runs it. */
export interface ReplayProgress {
  readonly jobs: ReplayedState[];
  reason: string | null;
}

/** Its result: the object `replays/{replay_id}/end.json`. */
const replayEndSchema = replayProgressSchema.extend({
  state: z.enum(['done', 'stopped']),
  finished_at: z.iso.datetime(),
});
type ReplayEnd = z.output<typeof replayEndSchema>;

/** A replay in the store. */
export interface StoredReplay {
  readonly plan: ReplayPlan;
  readonly progress: ReplayProgress;
  readonly end: Pick<ReplayEnd, 'state' | 'finished_at'> | undefined;
}

/** The replays in the store. Every call may throw StoreUnavailable and may be retried. */
export class ReplayRecords {
  readonly #store: ObjectStore;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  /** The plan first: every open replay has one. */
  async create(plan: ReplayPlan): Promise<void> {
    await this.#store.putIfAbsent(replayPlanKey(plan.replay_id), jsonBody(plan));
    await this.save(plan.replay_id, { jobs: plan.runs.map(() => 'waiting'), reason: null });
  }

  async save(replay_id: string, { jobs, reason }: ReplayProgress): Promise<void> {
    const progress = { version: 1, replay_id, jobs, reason } as const;
    await this.#store.put(
      openReplayKey(replay_id),
      jsonBody(progress satisfies z.output<typeof replayProgressSchema>),
    );
  }

  /** The first end wins; only then the replay is closed. */
  async end(replay_id: string, { jobs, reason }: ReplayProgress): Promise<void> {
    const state = reason === null ? 'done' : 'stopped';
    const finished_at = new Date().toISOString();
    const end: ReplayEnd = { version: 1, replay_id, jobs, reason, state, finished_at };
    await this.#store.putIfAbsent(replayEndKey(replay_id), jsonBody(end));
    await this.close(replay_id);
  }

  async close(id: string): Promise<void> {
    await this.#store.remove(openReplayKey(id));
  }

  /** The ids of replays that have not ended, oldest first. Closes those whose replica died after writing the end. */
  async open(): Promise<string[]> {
    const open: string[] = [];
    for await (const { key } of this.#store.list(openReplaysPrefix)) {
      const id = key.slice(openReplaysPrefix.length).replace(/\.json$/, '');
      if ((await this.#store.stat(replayEndKey(id))) === undefined) open.push(id);
      else await this.close(id);
    }
    return open;
  }

  /** Newest first. Without those that were closed before they ended, and those with a damaged record. */
  async newest(limit: number): Promise<StoredReplay[]> {
    const ids = new Set<string>();
    for await (const { key } of this.#store.list(replaysPrefix)) {
      ids.add(key.slice(replaysPrefix.length).replace(/\/.*$/, ''));
    }
    const found: StoredReplay[] = [];
    for (const id of [...ids].toReversed()) {
      if (found.length === limit) break;
      const replay = await this.find(id).catch((error: unknown) => {
        if (!isDamagedRecord(error)) throw error;
      });
      if (replay !== undefined) found.push(replay);
    }
    return found;
  }

  /** @param id a UUID. @returns undefined if there is no such replay, or if it was closed before it ended */
  async find(id: string): Promise<StoredReplay | undefined> {
    const plan = await readJson(this.#store, replayPlanKey(id), replayPlanSchema);
    if (plan === undefined) return undefined;
    // In this order, because it may end in between.
    const progress = await readJson(this.#store, openReplayKey(id), replayProgressSchema);
    const end = await readJson(this.#store, replayEndKey(id), replayEndSchema);
    if (end !== undefined) return { plan, progress: end, end };
    return progress && { plan, progress, end };
  }
}
