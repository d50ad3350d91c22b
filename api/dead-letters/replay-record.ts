import { z } from 'zod';

/** A run that lies dead. Its replay is the next run of the job. */
export const deadRunSchema = z.object({ job_id: z.string(), run: z.int().min(1) });
export type DeadRun = z.output<typeof deadRunSchema>;

/** What became of one run of a replay; `replayed`: asked for, and not ended yet. */
export const replayedStates = ['waiting', 'replayed', 'completed', 'failed', 'skipped'] as const;
export type ReplayedState = (typeof replayedStates)[number];

const common = { version: z.literal(1), replay_id: z.uuid() };
const far = {
  /** Of each run of the plan, in its order. */
  jobs: z.array(z.enum(replayedStates)),
  /** Why no further run is asked for; null while all goes well. */
  reason: z.string().nullable(),
};

/** The snapshot that a replay works off: the object `replays/{replay_id}/plan.json`. */
export const replayPlanSchema = z.object({
  ...common,
  started_at: z.iso.datetime(),
  runs: z.array(deadRunSchema),
});
export type ReplayPlan = z.output<typeof replayPlanSchema>;

/**
 * How far it is: the object `open-replays/{replay_id}.json`. Only a help: whether a run was asked for and how it ended
 * is decided by the job's own objects. It is written anew all the time, which shows that its runner is alive.
 */
export const replayProgressSchema = z.object({
  ...common,
  ...far,
  /** Who carries it out; null: nobody, whoever sees it may. */
  runner: z.string().nullable(),
  written_at: z.iso.datetime(),
});
export type ReplayProgress = z.output<typeof replayProgressSchema>;

/** How it ended: the object `replays/{replay_id}/end.json`. */
export const replayEndSchema = z.object({
  ...common,
  ...far,
  state: z.enum(['done', 'stopped']),
  runner: z.string(),
  finished_at: z.iso.datetime(),
});
export type ReplayEnd = z.output<typeof replayEndSchema>;

/** How far a replay is, as its runner counts along. */
export interface ReplayCourse {
  readonly jobs: ReplayedState[];
  reason: string | null;
}

export function progressOf(
  { replay_id }: ReplayPlan,
  { jobs, reason }: ReplayCourse,
  runner: string | null,
): ReplayProgress {
  return { version: 1, replay_id, jobs: [...jobs], reason, runner, written_at: new Date().toISOString() };
}

export function endOf({ replay_id }: ReplayPlan, { jobs, reason }: ReplayCourse, runner: string): ReplayEnd {
  const state = reason === null ? 'done' : 'stopped';
  const finished_at = new Date().toISOString();
  return { version: 1, replay_id, jobs: [...jobs], reason, state, runner, finished_at };
}
