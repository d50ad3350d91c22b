import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, PipelineError } from '@image-pipeline/shared/errors.ts';
import type { Startable } from '@image-pipeline/shared/lifecycle.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import { waitForStore } from '@image-pipeline/shared/store/wait-for-store.ts';
import { AbandonedReplays, replayTiming, type ReplayTiming } from './abandoned-replays.ts';
import {
  type DeadRun,
  endOf,
  type OpenReplay,
  progressOf,
  type ReplayPlan,
  type ReplayRecords,
  type ReplayRunState,
} from './replay-records.ts';

export interface ReplaysOptions {
  readonly records: ReplayRecords;
  /** Unique for this replica and start. */
  readonly runner: string;
  /** Runs a replay to its end; rejects when `signal` aborts. */
  readonly run: (runs: readonly DeadRun[], runState: ReplayRunState, signal: AbortSignal) => Promise<void>;
  /** Updates the state of a replay whose runner may have died before recording its last step. */
  readonly catchUp: (runs: readonly DeadRun[], runState: ReplayRunState) => Promise<void>;
  readonly timing?: ReplayTiming;
  readonly log: Logger;
}

/**
 * The replays that this replica runs. Every replay is stored before it begins, so that none is lost: if its runner stops or
 * dies, another replica takes it over. Two runners of one replay would repeat some work, but do nothing wrong.
 */
export class Replays implements Startable {
  readonly #options: ReplaysOptions;
  readonly #abandoned: AbandonedReplays;
  readonly #stopping = new AbortController();
  readonly #running = new Map<string, Promise<void>>();

  constructor(options: ReplaysOptions) {
    this.#options = options;
    this.#abandoned = new AbandonedReplays({
      ...options,
      isOurs: (id) => this.#running.has(id),
      onTakenOver: (plan, runState) => this.#run(plan, runState),
    });
  }

  start(): Promise<void> {
    return this.#abandoned.start();
  }

  /** Running replays are left to another replica, or to the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#abandoned.stop();
    await Promise.all(this.#running.values());
  }

  /**
   * Stores the plan and begins. Only one replay runs at a time.
   * @throws PipelineError `replay_running`; StoreUnavailable
   */
  async begin(plan: ReplayPlan): Promise<void> {
    const { records, runner, log } = this.#options;
    refuseIfOpen((await records.open())[0]);
    const runState: ReplayRunState = { jobs: plan.runs.map(() => 'waiting'), reason: null };
    await records.create(plan, progressOf(plan, runState, runner));
    const [first] = await records.open();
    if (first !== undefined && first.id < plan.replay_id) {
      // Started at the same time; the older one goes on.
      await records.close(plan.replay_id);
      refuseIfOpen(first);
    }
    log.info({ replay_id: plan.replay_id, runs: plan.runs.length }, 'replay started');
    this.#run(plan, runState);
  }

  #run(plan: ReplayPlan, runState: ReplayRunState): void {
    const id = plan.replay_id;
    const running = this.#runToEnd(plan, runState)
      .catch((error: unknown) => {
        this.#options.log.warn({ replay_id: id, reason: messageOf(error) }, 'replay interrupted');
      })
      .finally(() => this.#running.delete(id));
    this.#running.set(id, running);
  }

  async #runToEnd(plan: ReplayPlan, runState: ReplayRunState): Promise<void> {
    const { records, runner, run, log } = this.#options;
    const { signal } = this.#stopping;
    const over = new AbortController();
    const heartbeats = this.#heartbeat(plan, runState, AbortSignal.any([signal, over.signal]));
    try {
      await run(plan.runs, runState, signal);
    } catch (error) {
      if (!signal.aborted) {
        runState.reason ??= 'internal error; see the log of the API';
        log.error({ err: error, replay_id: plan.replay_id }, 'replay failed');
      }
    } finally {
      over.abort();
      await heartbeats;
    }
    if (signal.aborted) {
      await records.write(progressOf(plan, runState, null));
      return;
    }
    await waitForStore(() => records.end(endOf(plan, runState, runner)), signal, log);
    log.info({ replay_id: plan.replay_id, reason: runState.reason }, 'replay ended');
  }

  /** Writes the progress, as a heartbeat. */
  async #heartbeat(plan: ReplayPlan, runState: ReplayRunState, signal: AbortSignal): Promise<void> {
    const { records, runner, timing = replayTiming, log } = this.#options;
    while (!signal.aborted) {
      try {
        await records.write(progressOf(plan, runState, runner));
      } catch (error) {
        log.debug({ reason: messageOf(error) }, 'could not write the progress of a replay');
      }
      await sleep(timing.heartbeatMs, undefined, { signal }).catch(() => undefined);
    }
  }
}

function refuseIfOpen(other: OpenReplay | undefined): void {
  if (other === undefined) return;
  throw new PipelineError(
    'replay_running',
    `The replay ${other.id} is still running. Retry when it has ended.`,
    {
      details: { replay_id: other.id },
    },
  );
}
