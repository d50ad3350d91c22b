import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, PipelineError } from '@image-pipeline/shared/errors.ts';
import type { Startable } from '@image-pipeline/shared/lifecycle.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import {
  type DeadRun,
  progressOf,
  type ReplayRunState,
  type ReplayPlan,
  type ReplayRecords,
} from './replay-records.ts';

export interface ReplayTiming {
  /** Between two writings of the progress. */
  readonly heartbeatMs: number;
  /** Between two looks for replays that nobody carries out. */
  readonly pollMs: number;
  /** A runner that has not written for so long is gone. */
  readonly leaseMs: number;
}

export const replayTiming: ReplayTiming = { heartbeatMs: 1_000, pollMs: 3_000, leaseMs: 15_000 };

export interface AbandonedReplaysOptions {
  readonly records: ReplayRecords;
  readonly runner: string;
  readonly catchUp: (runs: readonly DeadRun[], runState: ReplayRunState) => Promise<void>;
  /** Whether this replica carries it out already. */
  readonly isOurs: (replayId: string) => boolean;
  readonly onTakenOver: (plan: ReplayPlan, runState: ReplayRunState) => void;
  readonly timing?: ReplayTiming;
  readonly log: Logger;
}

/** Looks for replays that nobody carries out any more, and takes them up. */
export class AbandonedReplays implements Startable {
  readonly #options: AbandonedReplaysOptions;
  readonly #timing: ReplayTiming;
  readonly #stopping = new AbortController();
  /** Since when each replay of others has not been written: by our own steady clock, whatever others' clocks say. */
  #idle = new Map<string, { readonly etag: string; readonly since: number }>();
  #polling: Promise<void> | undefined;

  constructor(options: AbandonedReplaysOptions) {
    this.#options = options;
    this.#timing = options.timing ?? replayTiming;
  }

  start(): Promise<void> {
    this.#polling ??= this.#pollUntilStopped();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#polling;
  }

  async #pollUntilStopped(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#checkOthers();
      } catch (error) {
        this.#options.log.debug({ reason: messageOf(error) }, 'could not look for abandoned replays');
      }
      await this.#pause(this.#timing.pollMs);
    }
  }

  async #checkOthers(): Promise<void> {
    const { records, isOurs } = this.#options;
    const others = (await records.open()).filter(({ id }) => !isOurs(id));
    const before = this.#idle;
    this.#idle = new Map();
    for (const { id, etag } of others) {
      const known = before.get(id);
      const idle = known?.etag === etag ? known : { etag, since: performance.now() };
      this.#idle.set(id, idle);
      const isAbandoned = performance.now() - idle.since >= this.#timing.leaseMs;
      try {
        if (isAbandoned || (await records.progress(id))?.runner === null) await this.#takeOver(id);
      } catch (error) {
        if (isAbandoned) await this.#closeUnreadable(id, error);
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

  async #takeOver(id: string): Promise<void> {
    const { records, runner, isOurs, catchUp, onTakenOver, log } = this.#options;
    const found = await records.find(id);
    if (found === undefined || 'end' in found || isOurs(id)) return;
    const { plan, progress } = found;
    const runState: ReplayRunState = { jobs: progress.jobs, reason: progress.reason };
    await records.write(progressOf(plan, runState, runner));
    // Where several take it up in the same moment, the one that wrote last has it.
    await this.#pause(this.#timing.heartbeatMs);
    if ((await records.progress(id))?.runner !== runner) return;
    await catchUp(plan.runs, runState);
    if (this.#stopping.signal.aborted) return;
    log.info({ replay_id: id }, 'going on with a replay that was broken off');
    onTakenOver(plan, runState);
  }

  /** Not all replicas in the same moment. */
  async #pause(ms: number): Promise<void> {
    const { signal } = this.#stopping;
    await sleep(ms * (0.8 + Math.random() * 0.4), undefined, { signal }).catch(() => undefined);
  }
}
