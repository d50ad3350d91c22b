import type { ConsumingEvent, JobEvent } from '@image-pipeline/shared/contracts/event.ts';
import type { Peaks, Totals } from '@image-pipeline/shared/contracts/snapshot.ts';
import { activeTraceparent } from '@image-pipeline/shared/tracing/spans.ts';
import type { DurableState } from './ledger/durable-state.ts';
import { jobsInBroker, LostRuns } from './ledger/lost-runs.ts';
import { DurableTotals, noPeaks, raisePeaks } from './ledger/totals.ts';
import type { BrokerSample } from './management/sample-broker.ts';
import { endedRun, Recent, type EndedRun } from './runs/ended-runs.ts';
import { byInactivity, countMoving, likelyLost, requeueAbandoned, withoutLost } from './runs/open-runs.ts';
import { RunTracker, type Attempt, type OpenRun, type RunChange } from './runs/run-tracker.ts';
import { KnownWorkers, type KnownWorker, type WorkerEvent } from './runs/workers.ts';

/** The longest window of any metric. */
export const WINDOW_MS = 300_000;
const MINUTE_MS = 60_000;
/** Enough for five minutes of jobs at the highest rate; beyond that, windows get shorter. */
const MAX_RECENT = 50_000;
/** Ended runs to remember. A late event of an older run would count it again. */
const MAX_ENDED = 100_000;
/** Open runs in the stored state. The log is read again for any others. */
const MAX_LISTED = 1_000;
/** How long a worker is shown after it has gone. */
const WORKER_EXPIRY_MS = 30_000;

interface PipelineMetricsOptions {
  /** The state that the last process stored. */
  readonly state: DurableState | undefined;
  /** Whether events arrive as they happen. */
  readonly isLive: () => boolean;
  /** Milliseconds that an open run must be in no queue before it counts as unaccounted. */
  readonly unaccountedAfterMs: number;
  /** Called for each ended run that was not counted before. */
  readonly onEnded?: (ended: EndedRun) => void;
}

/** How an event arrived. Times in milliseconds since 1970. */
interface Arrival {
  /** When it counts as having happened. */
  readonly at: number;
  readonly now: number;
  /** Undefined if it did not arrive as it happened. */
  readonly receivedAt: number | undefined;
  /** Whether it was not counted before. */
  readonly isNew: boolean;
  readonly isRepublished: boolean;
}

/** All metrics that come from events, and the workers. */
export class PipelineMetrics {
  readonly runs: RunTracker;
  readonly ends = new Recent<EndedRun>(MAX_RECENT, ({ at }) => at);
  readonly attempts = new Recent<Attempt>(MAX_RECENT, ({ to }) => to);
  readonly #options: PipelineMetricsOptions;
  readonly #totals: DurableTotals;
  readonly #lost: LostRuns;
  readonly #workers = new KnownWorkers(WORKER_EXPIRY_MS);
  /** Ids of events that will be published again. */
  readonly #republished = new Set<string>();
  /** Time of the last refresh with an empty job queue: everything that had entered it was delivered. */
  #emptyAt = -Infinity;
  #peaks: Peaks;

  constructor(options: PipelineMetricsOptions) {
    this.#options = options;
    this.runs = new RunTracker(MAX_ENDED, options.state?.open);
    this.#totals = new DurableTotals(options.state);
    this.#lost = new LostRuns(options.unaccountedAfterMs, options.state?.unaccounted ?? 0);
    this.#peaks = options.state?.peaks ?? noPeaks;
  }

  /** Whether the event log is still being read up to where an earlier process had counted. */
  get isRereading(): boolean {
    return this.#totals.isRereading;
  }

  /** @returns whether an earlier process had not counted the event, and whether it ends a run that has ended already */
  onEvent(event: JobEvent, offset: number): { readonly isNew: boolean; readonly isSecondEnd: boolean } {
    const now = Date.now();
    const isRepublished = this.#republished.delete(event.id);
    const receivedAt = this.#options.isLive() && !isRepublished ? now : undefined;
    // Clocks of other machines may be wrong in both directions; a live event happens now.
    const at = receivedAt ?? Math.min(Date.parse(event.time), now);
    const change = this.runs.apply(event, offset, { receivedAt: now, traceparent: activeTraceparent() });
    const isNew = this.#totals.count(event, offset, change, this.runs.size);
    this.#lost.note(this.#outstanding);
    if (event.type === 'job.started' || event.type === 'job.redelivered') {
      this.#onWorkerEvent({ worker: event.data.worker, starts: true }, at, now);
    }
    const isEnd = event.type === 'job.completed' || event.type === 'job.failed';
    if (change !== undefined) this.#onChange(change, event, { at, now, receivedAt, isNew, isRepublished });
    return { isNew, isSecondEnd: isEnd && change === undefined };
  }

  #onChange(
    change: RunChange,
    event: JobEvent,
    { at, now, receivedAt, isNew, isRepublished }: Arrival,
  ): void {
    if (change.attempt !== undefined) {
      this.attempts.add(change.attempt);
      this.#onWorkerEvent({ worker: change.attempt.worker, starts: false }, at, now);
    }
    const seen = { processing: this.runs.counts.processing };
    if (change.ended === undefined) {
      if (isNew) this.#peaks = raisePeaks(this.#peaks, seen, at);
      return;
    }
    const ended = endedRun(event.data.request, change.ended, { at, receivedAt });
    this.ends.add(ended);
    // A replayed event raised the peaks when it was live.
    if (!isNew) return;
    if (!isRepublished) {
      const inMinute = this.ends.countSince(at - MINUTE_MS, ({ errorCode }) => errorCode === undefined);
      this.#peaks = raisePeaks(this.#peaks, { ...seen, throughput_1m: inMinute / 60 }, at);
    }
    this.#options.onEnded?.(ended);
  }

  /** The log lost this event, which is about to be published again: it belongs to an earlier time. */
  expectRepublished(eventId: string): void {
    this.#republished.add(eventId);
  }

  /** A worker has started to consume jobs. */
  onConsuming({ data, time }: ConsumingEvent): void {
    const now = Date.now();
    const at = this.#options.isLive() ? now : Math.min(Date.parse(time), now);
    this.#onWorkerEvent({ ...data, starts: true }, at, now);
  }

  /** Old events do not show which workers are live now. */
  #onWorkerEvent(event: WorkerEvent, at: number, now: number): void {
    if (at >= now - WORKER_EXPIRY_MS) this.#workers.onEvent(event, at);
  }

  /** The log has been read to its end, or was recreated: a mark that was not found is gone. */
  onLogEnd(): void {
    this.#totals.onMarkMissing(this.runs.size);
  }

  /** @param at milliseconds since 1970 */
  onSample(seen: BrokerSample, at: number): void {
    this.#workers.onSample(seen, at);
    // A reconnected worker has two connections until RabbitMQ closes the dead one.
    const workers = new Set(seen.workers.map(({ name }) => name)).size;
    this.#peaks = raisePeaks(this.#peaks, { workers }, at);
    const inBroker = jobsInBroker(seen.queues);
    if (inBroker === undefined || !this.#options.isLive()) {
      this.#lost.interrupt();
      return;
    }
    const moving = countMoving(this.runs.open, at);
    this.#lost.onSample({ at: performance.now(), open: this.#outstanding, moving, inBroker });
  }

  /** RabbitMQ could not be sampled. */
  onSampleFailed(): void {
    this.#lost.interrupt();
  }

  /** Number of runs that have not ended and are in no queue. */
  get unaccounted(): number {
    return this.#lost.count;
  }

  /** Open runs, longest inactive first, while some seem to be in no queue; otherwise none. */
  get suspects(): readonly OpenRun[] {
    return this.#lost.isSuspected ? byInactivity(this.runs.open) : [];
  }

  /** The number of open runs that are certainly in no queue, and the runs of which it is possible, the likeliest first. */
  get lostRuns(): { readonly count: number; readonly candidates: readonly OpenRun[] } {
    const { certain: count } = this.#lost;
    if (count === 0) return { count, candidates: [] };
    const startedFrom = Math.max(this.runs.startedFrom, this.#emptyAt);
    return { count, candidates: likelyLost(this.runs.open, startedFrom, Date.now()) };
  }

  /**
   * Before each snapshot: drops entries older than every window.
   * @param now milliseconds since 1970
   * @param waiting length of the job queue; undefined until RabbitMQ has returned it
   */
  onRefresh(now: number, waiting: number | undefined): void {
    // Not from events: those of the API and of workers do not arrive in their order.
    if (waiting === 0) this.#emptyAt = now;
    if (waiting !== undefined) this.#peaks = raisePeaks(this.#peaks, { waiting }, now);
    this.ends.dropBefore(now - WINDOW_MS);
    this.attempts.dropBefore(now - WINDOW_MS);
  }

  /** Open runs without the unaccounted ones, in their present state. */
  get accountedRuns(): readonly OpenRun[] {
    const hasWorker = (name: string) => this.#workers.isConnected(name);
    return withoutLost(this.runs.open, this.unaccounted).map((run) => requeueAbandoned(run, hasWorker));
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

  /** The state for the next process. */
  get state(): DurableState {
    const { runs, from } = this.runs.oldest(MAX_LISTED);
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
