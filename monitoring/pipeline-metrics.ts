import type { JobEvent } from '@image-pipeline/shared/contracts/event.ts';
import type { Peaks, Totals } from '@image-pipeline/shared/contracts/snapshot.ts';
import { activeTraceparent } from '@image-pipeline/shared/tracing/spans.ts';
import type { DurableState } from './durable/durable-state.ts';
import { DurableTotals } from './durable/durable-totals.ts';
import { KnownWorkers, type KnownWorker } from './metrics/known-workers.ts';
import { countOpenRuns, givenBack } from './metrics/open-runs.ts';
import { noPeaks, raisePeaks } from './metrics/peaks.ts';
import { jobsInBroker } from './ledger/ledger.ts';
import { LostRuns, bySilence, countMoving, withoutLost } from './ledger/lost-runs.ts';
import type { BrokerSample } from './management/read-broker.ts';
import { endedRun, type EndedRun } from './metrics/ended-runs.ts';
import { Recent } from './events/recent.ts';
import { RunTracker, type Attempt, type OpenRun } from './events/run-tracker.ts';

/** The longest window that figures look at. */
export const WINDOW_MS = 300_000;
const MINUTE_MS = 60_000;
/** Enough for five minutes at any speed of ours; at more, the windows are shorter. */
const MAX_RECENT = 50_000;
/** Events of a run that ended longer ago would count it again. */
const ENDS_REMEMBERED = 100_000;
/** Open runs whose life the stored state tells; of more, the log is read again. */
const RUNS_LISTED = 1_000;
/** How long a worker that has gone is still shown. */
const WORKER_EXPIRY_MS = 30_000;

export interface PipelineFiguresOptions {
  /** What was known when the last process ended. */
  readonly state: DurableState | undefined;
  /** Whether events come by as they happen. */
  readonly isLive: () => boolean;
  /** For how long an open run must be in no queue until it is unaccounted for, in milliseconds. */
  readonly patienceMs: number;
  /** A run ended that was not counted before. */
  readonly onEnded?: (ended: EndedRun) => void;
}

/** All that is known from events, and of workers. */
export class PipelineFigures {
  readonly runs: RunTracker;
  readonly ends = new Recent<EndedRun>(MAX_RECENT, ({ at }) => at);
  readonly attempts = new Recent<Attempt>(MAX_RECENT, ({ to }) => to);
  readonly #options: PipelineFiguresOptions;
  readonly #totals: DurableTotals;
  readonly #lost: LostRuns;
  readonly #workers = new KnownWorkers(WORKER_EXPIRY_MS);
  /** Ids of events. */
  readonly #toldAgain = new Set<string>();
  #peaks: Peaks;

  constructor(options: PipelineFiguresOptions) {
    this.#options = options;
    this.runs = new RunTracker(ENDS_REMEMBERED, options.state?.open);
    this.#totals = new DurableTotals(options.state);
    this.#lost = new LostRuns(options.patienceMs, options.state?.unaccounted ?? 0);
    this.#peaks = options.state?.peaks ?? noPeaks;
  }

  onEvent(event: JobEvent, offset: number): void {
    const now = Date.now();
    const isToldAgain = this.#toldAgain.delete(event.id);
    const heardAt = this.#options.isLive() && !isToldAgain ? now : undefined;
    // Other machines' clocks may be wrong in both directions; what comes by live happens now.
    const at = heardAt ?? Math.min(Date.parse(event.time), now);
    const change = this.runs.apply(event, offset, { heardAt: now, traceparent: activeTraceparent() });
    const isNew = this.#totals.count(event, offset, change, this.runs.size);
    this.#lost.note(this.#outstanding);
    if (event.type === 'job.started') this.#heardOf(event.data.worker, at, now);
    if (change === undefined) return;
    if (change.attempt !== undefined) {
      this.attempts.add(change.attempt);
      this.#heardOf(change.attempt.worker, at, now);
    }
    const { queued: waiting, processing } = this.runs.counts;
    const seen = { waiting, processing };
    if (change.ended === undefined) {
      if (isNew) this.#peaks = raisePeaks(this.#peaks, seen, at);
      return;
    }
    const ended = endedRun(event.data.request, change.ended, { at, heardAt });
    this.ends.add(ended);
    // What is read again was seen in its time, and beside runs that were open only later.
    if (!isNew) return;
    if (!isToldAgain) {
      const inMinute = this.ends.countSince(at - MINUTE_MS, ({ failedOf }) => failedOf === undefined);
      this.#peaks = raisePeaks(this.#peaks, { ...seen, throughput_1m: inMinute / 60 }, at);
    }
    this.#options.onEnded?.(ended);
  }

  /** An event that comes by soon is of an earlier time: the log had lost it. */
  toldAgain(eventId: string): void {
    this.#toldAgain.add(eventId);
  }

  /** What is read of the past says nothing of who is there now. */
  #heardOf(worker: string, at: number, now: number): void {
    if (at >= now - WORKER_EXPIRY_MS) this.#workers.heardOf(worker, at);
  }

  /** The log has been read to its end, or begins anew: what was to be found in it and was not never will be. */
  readToTheEnd(): void {
    this.#totals.markIsMissing(this.runs.size);
  }

  /** RabbitMQ was looked at. @param at milliseconds since 1970 */
  onLook(seen: BrokerSample, at: number): void {
    this.#workers.lookedAt(seen, at);
    // One that has come back may have two connections, until RabbitMQ finds out that the first is dead.
    const workers = new Set(seen.workers.map(({ name }) => name)).size;
    this.#peaks = raisePeaks(this.#peaks, { workers }, at);
    const inBroker = jobsInBroker(seen.queues);
    if (inBroker === undefined || !this.#options.isLive()) {
      this.#lost.interrupt();
      return;
    }
    const moving = countMoving(this.runs.open, at);
    this.#lost.look({ at: performance.now(), open: this.#outstanding, moving, inBroker });
  }

  /** RabbitMQ could not be looked at. */
  onNoLook(): void {
    this.#lost.interrupt();
  }

  /** How many runs have not ended and are in no queue either. */
  get unaccounted(): number {
    return this.#lost.count;
  }

  /** While some runs seem to be in no queue: the open ones, those first of which nothing was heard for longest. */
  get suspects(): readonly OpenRun[] {
    return this.#lost.isSuspected ? bySilence(this.runs.open) : [];
  }

  /** The figures are about to be shown: lets go of what no window reaches any more. @param now milliseconds since 1970 */
  onRefresh(now: number): void {
    // No event says that the retry of a run became due, or that its worker died, and then it waits as well.
    if (this.#options.isLive()) {
      const { queued: waiting } = countOpenRuns(this.accountedRuns, now);
      this.#peaks = raisePeaks(this.#peaks, { waiting }, now);
    }
    this.ends.forgetBefore(now - WINDOW_MS);
    this.attempts.forgetBefore(now - WINDOW_MS);
  }

  /** Every open run that some queue holds, as it is now. */
  get accountedRuns(): readonly OpenRun[] {
    const hasWorker = (name: string) => this.#workers.isConnected(name);
    return withoutLost(this.runs.open, this.unaccounted).map((run) => givenBack(run, hasWorker));
  }

  get workers(): readonly KnownWorker[] {
    return this.#workers.all;
  }

  get #outstanding(): number {
    const { accepted, completed, failed } = this.totals;
    return accepted - completed - failed;
  }

  get totals(): Totals {
    return this.#totals.totals;
  }

  get peaks(): Peaks {
    return this.#peaks;
  }

  /** What the next process begins with. */
  get state(): DurableState {
    const { runs, from } = this.runs.oldest(RUNS_LISTED);
    return {
      version: 1,
      mark: this.#totals.mark ?? null,
      open: [...runs],
      open_from: from ?? null,
      unaccounted: this.unaccounted,
      totals: this.totals,
      peaks: this.#peaks,
    };
  }
}
