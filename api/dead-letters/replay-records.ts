import {
  openReplayKey,
  openReplaysPrefix,
  replayEndKey,
  replayPlanKey,
} from '@image-pipeline/shared/store/keys.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { jsonBody, readJson } from '@image-pipeline/shared/store/read-object.ts';
import { z } from 'zod';

/** A dead run. Its replay is the next run of the job. */
export const deadRunSchema = z.object({ job_id: z.string(), run: z.int().min(1) });
export type DeadRun = z.output<typeof deadRunSchema>;

/** State of one run of a replay; `replayed`: queued, not ended yet. */
export const replayedStates = ['waiting', 'replayed', 'completed', 'failed', 'skipped'] as const;
export type ReplayedState = (typeof replayedStates)[number];

const common = { version: z.literal(1), replay_id: z.uuid() };
const progressFields = {
  /** State of each run of the plan, in its order. */
  jobs: z.array(z.enum(replayedStates)),
  /** Why the replay stops; null while it goes on. */
  reason: z.string().nullable(),
};

/** The runs to replay: the object `replays/{replay_id}/plan.json`. */
const replayPlanSchema = z.object({
  ...common,
  started_at: z.iso.datetime(),
  runs: z.array(deadRunSchema),
});
export type ReplayPlan = z.output<typeof replayPlanSchema>;

/**
 * Its progress: the object `open-replays/{replay_id}.json`. Only a cache: the job's own objects decide whether a run was
 * queued and how it ended. Rewriting it is the heartbeat of its runner.
 */
const replayProgressSchema = z.object({
  ...common,
  ...progressFields,
  /** The replica that runs it; null: any replica may take it over. */
  runner: z.string().nullable(),
  written_at: z.iso.datetime(),
});
type ReplayProgress = z.output<typeof replayProgressSchema>;

/** Its result: the object `replays/{replay_id}/end.json`. */
const replayEndSchema = z.object({
  ...common,
  ...progressFields,
  state: z.enum(['done', 'stopped']),
  runner: z.string(),
  finished_at: z.iso.datetime(),
});
type ReplayEnd = z.output<typeof replayEndSchema>;

/** The progress of a replay in the memory of its runner. */
export interface ReplayRunState {
  readonly jobs: ReplayedState[];
  reason: string | null;
}

export function progressOf(
  { replay_id }: ReplayPlan,
  { jobs, reason }: ReplayRunState,
  runner: string | null,
): ReplayProgress {
  return { version: 1, replay_id, jobs: [...jobs], reason, runner, written_at: new Date().toISOString() };
}

export function endOf(
  { replay_id }: ReplayPlan,
  { jobs, reason }: ReplayRunState,
  runner: string,
): ReplayEnd {
  const state = reason === null ? 'done' : 'stopped';
  const finished_at = new Date().toISOString();
  return { version: 1, replay_id, jobs: [...jobs], reason, state, runner, finished_at };
}

export interface OpenReplay {
  readonly id: string;
  /** Changes with each heartbeat of its runner. */
  readonly etag: string;
}

/** A replay in the store. */
export type StoredReplay = { readonly plan: ReplayPlan } & (
  { readonly end: ReplayEnd } | { readonly progress: ReplayProgress }
);

/** The replays in the store. Every call may throw StoreUnavailable and may be retried. */
export class ReplayRecords {
  readonly #store: ObjectStore;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  /** The plan first: every open replay has one. */
  async create(plan: ReplayPlan, progress: ReplayProgress): Promise<void> {
    await this.#store.putIfAbsent(replayPlanKey(plan.replay_id), jsonBody(plan));
    await this.write(progress);
  }

  /** Undefined if it is not open. */
  progress(id: string): Promise<ReplayProgress | undefined> {
    return readJson(this.#store, openReplayKey(id), replayProgressSchema);
  }

  async write(progress: ReplayProgress): Promise<void> {
    await this.#store.put(openReplayKey(progress.replay_id), jsonBody(progress));
  }

  /** The first end wins; only then the replay is closed. */
  async end(end: ReplayEnd): Promise<void> {
    await this.#store.putIfAbsent(replayEndKey(end.replay_id), jsonBody(end));
    await this.close(end.replay_id);
  }

  async close(id: string): Promise<void> {
    await this.#store.remove(openReplayKey(id));
  }

  /** Replays that have not ended, oldest first. Closes those whose runner died after writing the end. */
  async open(): Promise<OpenReplay[]> {
    const open: OpenReplay[] = [];
    for await (const { key, etag } of this.#store.list(openReplaysPrefix)) {
      const id = key.slice(openReplaysPrefix.length).replace(/\.json$/, '');
      if ((await this.#store.stat(replayEndKey(id))) === undefined) open.push({ id, etag });
      else await this.close(id);
    }
    return open;
  }

  /** @param id a UUID. @returns undefined if there is no such replay */
  async find(id: string): Promise<StoredReplay | undefined> {
    const plan = await readJson(this.#store, replayPlanKey(id), replayPlanSchema);
    if (plan === undefined) return undefined;
    // In this order, because it may end in between.
    const progress = await this.progress(id);
    const end = await readJson(this.#store, replayEndKey(id), replayEndSchema);
    if (end !== undefined) return { plan, end };
    return progress && { plan, progress };
  }
}
