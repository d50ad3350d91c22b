import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, PipelineError } from '@image-pipeline/shared/errors.ts';
import type { Startable } from '@image-pipeline/shared/lifecycle.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import {
  type DeadRun,
  progressOf,
  type ReplayPlan,
  type ReplayRecords,
  type ReplayRunState,
} from './replay-records.ts';

export interface ReplayTiming {
  /** Between two heartbeats. */
  readonly heartbeatMs: number;
  /** Between two checks for abandoned replays. */
  readonly pollMs: number;
  /** A runner without a heartbeat for this long is gone. */
  readonly leaseMs: number;
}

export const replayTiming: ReplayTiming = { heartbeatMs: 1_000, pollMs: 3_000, leaseMs: 15_000 };

export interface AbandonedReplaysOptions {
  readonly records: ReplayRecords;
  readonly runner: string;
  readonly catchUp: (runs: readonly DeadRun[], runState: ReplayRunState) => Promise<void>;
  /** Whether this replica already runs it. */
  readonly isOurs: (replayId: string) => boolean;
  readonly onTakenOver: (plan: ReplayPlan, runState: ReplayRunState) => void;
  readonly timing?: ReplayTiming;
  readonly log: Logger;
}

/** Finds replays whose runner is gone, and takes them over. */
export class AbandonedReplays implements Startable {
  readonly #options: AbandonedReplaysOptions;
  readonly #timing: ReplayTiming;
  readonly #stopping = new AbortController();
  /** Time of the last heartbeat of other replicas' replays, by this process's monotonic clock. */
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
        this.#options.log.debug({ reason: messageOf(error) }, 'could not check for abandoned replays');
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

  /** It would block every other replay forever. */
  async #closeUnreadable(id: string, error: unknown): Promise<void> {
    if (!(error instanceof PipelineError) || error.code !== 'internal_error') throw error;
    this.#options.log.error({ err: error, replay_id: id }, 'unreadable records of a replay: discarded');
    await this.#options.records.close(id);
  }

  async #takeOver(id: string): Promise<void> {
    const { records, runner, isOurs, catchUp, onTakenOver, log } = this.#options;
    const found = await records.find(id);
    if (found === undefined || 'end' in found || isOurs(id)) return;
    const { plan, progress } = found;
    const runState: ReplayRunState = { jobs: progress.jobs, reason: progress.reason };
    await records.write(progressOf(plan, runState, runner));
    // If several replicas take it over at the same time, the last write wins.
    await this.#pause(this.#timing.heartbeatMs);
    if ((await records.progress(id))?.runner !== runner) return;
    await catchUp(plan.runs, runState);
    if (this.#stopping.signal.aborted) return;
    log.info({ replay_id: id }, 'resuming an interrupted replay');
    onTakenOver(plan, runState);
  }

  /** With jitter, so that replicas do not act at the same time. */
  async #pause(ms: number): Promise<void> {
    const { signal } = this.#stopping;
    await sleep(ms * (0.8 + Math.random() * 0.4), undefined, { signal }).catch(() => undefined);
  }
}
