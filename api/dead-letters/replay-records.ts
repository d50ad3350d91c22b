import {
  openReplayKey,
  openReplaysPrefix,
  replayEndKey,
  replayPlanKey,
} from '@image-pipeline/shared/store/keys.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { jsonBody, readJson } from '@image-pipeline/shared/store/read-object.ts';
import { z } from 'zod';

/** A run that lies dead. Its replay is the next run of the job. */
export const deadRunSchema = z.object({ job_id: z.string(), run: z.int().min(1) });
export type DeadRun = z.output<typeof deadRunSchema>;

/** What became of one run of a replay; `replayed`: asked for, and not ended yet. */
export const replayedStates = ['waiting', 'replayed', 'completed', 'failed', 'skipped'] as const;
export type ReplayedState = (typeof replayedStates)[number];

const common = { version: z.literal(1), replay_id: z.uuid() };
const progressFields = {
  /** Of each run of the plan, in its order. */
  jobs: z.array(z.enum(replayedStates)),
  /** Why no further run is asked for; null while all goes well. */
  reason: z.string().nullable(),
};

/** The snapshot that a replay works off: the object `replays/{replay_id}/plan.json`. */
const replayPlanSchema = z.object({
  ...common,
  started_at: z.iso.datetime(),
  runs: z.array(deadRunSchema),
});
export type ReplayPlan = z.output<typeof replayPlanSchema>;

/**
 * How far it is: the object `open-replays/{replay_id}.json`. Only a help: whether a run was asked for and how it ended
 * is decided by the job's own objects. It is written anew all the time, which shows that its runner is alive.
 */
const replayProgressSchema = z.object({
  ...common,
  ...progressFields,
  /** Who carries it out; null: nobody, whoever sees it may. */
  runner: z.string().nullable(),
  written_at: z.iso.datetime(),
});
type ReplayProgress = z.output<typeof replayProgressSchema>;

/** How it ended: the object `replays/{replay_id}/end.json`. */
const replayEndSchema = z.object({
  ...common,
  ...progressFields,
  state: z.enum(['done', 'stopped']),
  runner: z.string(),
  finished_at: z.iso.datetime(),
});
type ReplayEnd = z.output<typeof replayEndSchema>;

/** How far a replay is, as its runner counts along. */
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
