import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, PipelineError } from '@image-pipeline/shared/errors.ts';
import type { Startable } from '@image-pipeline/shared/lifecycle.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import {
  type DeadRun,
  progressOf,
  type ReplayCourse,
  type ReplayPlan,
  type ReplayRecords,
} from './replay-records.ts';

export interface ReplayTiming {
  /** Between two writings of the progress. */
  readonly beatMs: number;
  /** Between two looks for replays that nobody carries out. */
  readonly watchMs: number;
  /** A runner that has not written for so long is gone. */
  readonly leaseMs: number;
}

export const replayTiming: ReplayTiming = { beatMs: 1_000, watchMs: 3_000, leaseMs: 15_000 };

export interface AbandonedReplaysOptions {
  readonly records: ReplayRecords;
  readonly runner: string;
  readonly catchUp: (runs: readonly DeadRun[], course: ReplayCourse) => Promise<void>;
  /** Whether this replica carries it out already. */
  readonly isOurs: (replayId: string) => boolean;
  readonly onTakenUp: (plan: ReplayPlan, course: ReplayCourse) => void;
  readonly timing?: ReplayTiming;
  readonly log: Logger;
}

/** Looks for replays that nobody carries out any more, and takes them up. */
export class AbandonedReplays implements Startable {
  readonly #options: AbandonedReplaysOptions;
  readonly #timing: ReplayTiming;
  readonly #stopping = new AbortController();
  /** Since when each replay of others has not been written: by our own steady clock, whatever others' clocks say. */
  #silent = new Map<string, { readonly etag: string; readonly since: number }>();
  #watching: Promise<void> | undefined;

  constructor(options: AbandonedReplaysOptions) {
    this.#options = options;
    this.#timing = options.timing ?? replayTiming;
  }

  start(): Promise<void> {
    this.#watching ??= this.#watch();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#watching;
  }

  async #watch(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#look();
      } catch (error) {
        this.#options.log.debug({ reason: messageOf(error) }, 'could not look for abandoned replays');
      }
      await this.#pause(this.#timing.watchMs);
    }
  }

  async #look(): Promise<void> {
    const { records, isOurs } = this.#options;
    const others = (await records.open()).filter(({ id }) => !isOurs(id));
    const before = this.#silent;
    this.#silent = new Map();
    for (const { id, etag } of others) {
      const known = before.get(id);
      const silent = known?.etag === etag ? known : { etag, since: performance.now() };
      this.#silent.set(id, silent);
      const isSilent = performance.now() - silent.since >= this.#timing.leaseMs;
      try {
        if (isSilent || (await records.progress(id))?.runner === null) await this.#takeUp(id);
      } catch (error) {
        if (isSilent) await this.#closeUnreadable(id, error);
        else throw error;
      }
    }
  }

  /** It would stand in the way of every other replay for ever. */
  async #closeUnreadable(id: string, error: unknown): Promise<void> {
    if (!(error instanceof PipelineError) || error.code !== 'internal_error') throw error;
    this.#options.log.error(
      { err: error, replay_id: id },
      'the records of a replay cannot be read: given up',
    );
    await this.#options.records.close(id);
  }

  async #takeUp(id: string): Promise<void> {
    const { records, runner, isOurs, catchUp, onTakenUp, log } = this.#options;
    const found = await records.find(id);
    if (found === undefined || 'end' in found || isOurs(id)) return;
    const { plan, progress } = found;
    const course: ReplayCourse = { jobs: progress.jobs, reason: progress.reason };
    await records.write(progressOf(plan, course, runner));
    // Where several take it up in the same moment, the one that wrote last has it.
    await this.#pause(this.#timing.beatMs);
    if ((await records.progress(id))?.runner !== runner) return;
    await catchUp(plan.runs, course);
    if (this.#stopping.signal.aborted) return;
    log.info({ replay_id: id }, 'going on with a replay that was broken off');
    onTakenUp(plan, course);
  }

  /** Not all replicas in the same moment. */
  async #pause(ms: number): Promise<void> {
    const { signal } = this.#stopping;
    await sleep(ms * (0.8 + Math.random() * 0.4), undefined, { signal }).catch(() => undefined);
  }
}
