import type { Publisher } from '@image-pipeline/shared/broker/publisher.ts';
import { endedEvent } from '@image-pipeline/shared/contracts/event.ts';
import {
  MAX_JOBS_LISTED,
  type RepublishOrder,
  type RepublishResult,
} from '@image-pipeline/shared/contracts/republish.ts';
import { isDamagedRecord, messageOf } from '@image-pipeline/shared/errors.ts';
import { eventMessage } from '@image-pipeline/shared/jobs/event-follower.ts';
import { republishRun } from '@image-pipeline/shared/jobs/job-message.ts';
import { readOutcome, readRequest } from '@image-pipeline/shared/jobs/read-run.ts';
import type { Startable } from '@image-pipeline/shared/lifecycle.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import { Repeater } from '@image-pipeline/shared/repeater.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { inTraceOf } from '@image-pipeline/shared/tracing/messaging.ts';
import type { OpenRun } from '../runs/run-tracker.ts';
import {
  keyOf,
  type PossiblyLost,
  REPUBLISH_AGAIN_MS,
  REPUBLISH_ON_REQUEST_AGAIN_MS,
  RepublishedRuns,
} from './republished-runs.ts';

const CHECK_EVERY_SECONDS = 5;
/** Maximum number of store lookups per check. */
const LOOKUPS_PER_CHECK = 200;
/** A run without an outcome may still get one. */
const LOOKUP_AGAIN_MS = 60_000;

/** Runs that a request republishes concurrently. */
const REPUBLISHED_AT_ONCE = 8;
/** Clients wait for the response, so a request handles what it can in this time. */
const REQUEST_MS = 30_000;

export interface LedgerRepairOptions {
  readonly store: Pick<ObjectStore, 'get'>;
  readonly publisher: Pick<Publisher, 'publish'>;
  /** Open runs that may be in no queue, the likeliest first; none if nothing is missing. */
  readonly suspects: () => readonly OpenRun[];
  readonly lost: () => PossiblyLost;
  /** How long a run must be lost before it is published again, in milliseconds. */
  readonly repairAfterMs: number;
  /** After this time, a request to republish handles no further runs, in milliseconds; default: 30 s. */
  readonly requestMs?: number;
  /** Called with the id of an event before it is published again. */
  readonly onFound: (eventId: string) => void;
  readonly log: Logger;
}

/**
 * Repairs open runs that are in no queue. A run with an outcome has ended without an event in the log: a broker that crashes
 * may lose the newest part of a stream. The event is published again, for everyone who follows the log. A run without an
 * outcome has lost its message: its queue was purged or deleted. The message is published again.
 */
export class LedgerRepair implements Startable {
  readonly #options: LedgerRepairOptions;
  readonly #repeater = new Repeater(() => this.#check(), CHECK_EVERY_SECONDS);
  /** Time of each lookup, by the monotonic clock. A run with a new event is another object. */
  readonly #lookedUp = new WeakMap<OpenRun, number>();
  /** Since when each run is lost, by the monotonic clock and by `{job_id}/{run}`. */
  #lostSince = new Map<string, number>();
  readonly #republished = new RepublishedRuns();
  /** In progress. */
  readonly #requests = new Set<Promise<RepublishResult>>();

  constructor(options: LedgerRepairOptions) {
    this.#options = options;
  }

  start(): Promise<void> {
    return this.#repeater.start();
  }

  /** Requests in progress end early, and get their response before broker and store stop. */
  async stop(): Promise<void> {
    await this.#repeater.stop();
    await Promise.allSettled(this.#requests);
  }

  /**
   * Publishes lost runs again without waiting for `repairAfterMs`. Requests at the same time publish each run once.
   * @returns `left` is the number of runs that it did not handle, because its time is over or the service stops
   * @throws StoreUnavailable, PublishRefused; the next request publishes the runs that are left
   * @throws PublishUnconfirmed; the next request publishes the other runs, and those without a confirm after a minute
   */
  async republish(order: RepublishOrder): Promise<RepublishResult> {
    const request = this.#republishSelected(order);
    this.#requests.add(request);
    try {
      return await request;
    } finally {
      this.#requests.delete(request);
    }
  }

  async #republishSelected({ ids, dry_run }: RepublishOrder): Promise<RepublishResult> {
    const wanted = ids && new Set(ids);
    const lost = this.#republished
      .due(this.#options.lost(), REPUBLISH_ON_REQUEST_AGAIN_MS)
      .filter(({ job_id }) => wanted?.has(job_id) ?? true);
    const counts = { dry_run, unaccounted: lost.length, republished: 0, ended: 0, damaged: 0, left: 0 };
    const listed = (runs: readonly OpenRun[]) =>
      runs.slice(0, MAX_JOBS_LISTED).map(({ job_id, run }) => ({ job_id, run }));
    if (dry_run) return { ...counts, republished: lost.length, runs: listed(lost) };
    counts.left = lost.length;
    const republished: OpenRun[] = [];
    const deadline = performance.now() + (this.#options.requestMs ?? REQUEST_MS);
    // One iterator for all lanes: each takes the next run, and one that ends early ends it for all.
    const next = (function* () {
      yield* lost;
    })();
    const lanes = Array.from({ length: REPUBLISHED_AT_ONCE }, async () => {
      for (const run of next) {
        if (!this.#repeater.isOn) return;
        const result = await this.#republish(run, REPUBLISH_ON_REQUEST_AGAIN_MS);
        counts.left--;
        if (result === true) republished.push(run);
        else if (result === false) counts.ended++;
        else if (result === 'damaged') counts.damaged++;
        // Not before the first run, so that repeated requests come to an end.
        if (performance.now() >= deadline) return;
      }
    });
    await Promise.allSettled(lanes);
    this.#logRepublished(republished.length);
    await Promise.all(lanes);
    return { ...counts, republished: republished.length, runs: listed(republished) };
  }

  async #check(): Promise<undefined> {
    await this.#findEnds();
    await this.#republishLost();
  }

  async #republishLost(): Promise<void> {
    const { repairAfterMs, log } = this.#options;
    const now = performance.now();
    const lost = this.#republished.due(this.#options.lost(), REPUBLISH_AGAIN_MS);
    this.#lostSince = new Map(lost.map((run) => [keyOf(run), this.#lostSince.get(keyOf(run)) ?? now]));
    const isDue = (run: OpenRun) => (this.#lostSince.get(keyOf(run)) ?? now) <= now - repairAfterMs;
    let republished = 0;
    try {
      for (const run of lost.filter(isDue).slice(0, LOOKUPS_PER_CHECK)) {
        if (!this.#repeater.isOn) return;
        if ((await this.#republish(run, REPUBLISH_AGAIN_MS)) === true) republished++;
      }
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'could not republish jobs that are in no queue; retrying');
    }
    this.#logRepublished(republished);
  }

  /**
   * @returns whether it was published: `false` if it has ended or has no request, `damaged` if its records cannot be read,
   *   and undefined if it was published since the caller listed it
   */
  #republish(run: OpenRun, againMs: number): Promise<boolean | 'damaged' | undefined> {
    return this.#republished.try(run, againMs, () =>
      this.#unlessDamaged(run, () => republishRun(run, this.#options)),
    );
  }

  #logRepublished(runs: number): void {
    if (runs > 0) this.#options.log.warn({ runs }, 'republished jobs that were in no queue');
  }

  async #findEnds(): Promise<void> {
    const { suspects, log } = this.#options;
    const isDue = (run: OpenRun) =>
      performance.now() - (this.#lookedUp.get(run) ?? -Infinity) > LOOKUP_AGAIN_MS;
    const due = suspects().filter(isDue).slice(0, LOOKUPS_PER_CHECK);
    let found = 0;
    const missing: string[] = [];
    try {
      for (const run of due) {
        if (!this.#repeater.isOn) return;
        if ((await this.#unlessDamaged(run, () => this.#publishEnd(run))) === true) found++;
        else missing.push(run.job_id);
        this.#lookedUp.set(run, performance.now());
      }
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'could not look up runs that are in no queue; retrying');
    }
    if (found > 0) log.warn({ runs: found }, 'republished end events that were missing from the log');
    if (missing.length > 0) {
      const some = { runs: missing.length, jobs: missing.slice(0, 5) };
      log.warn(some, 'open runs have no outcome and may be in no queue');
    }
  }

  /** `damaged` for a run whose records cannot be read, so that the others are repaired nevertheless. */
  async #unlessDamaged(run: OpenRun, repair: () => Promise<boolean>): Promise<boolean | 'damaged'> {
    try {
      return await repair();
    } catch (error) {
      if (!isDamagedRecord(error)) throw error;
      const about = { job_id: run.job_id, reason: messageOf(error) };
      this.#options.log.warn(about, 'cannot repair a run: its records are damaged');
      return 'damaged';
    }
  }

  /** Returns whether the run has ended. @throws StoreUnavailable, PublishRefused */
  async #publishEnd({ job_id, run, traceparent }: OpenRun): Promise<boolean> {
    const { store, publisher, onFound } = this.#options;
    const outcome = await readOutcome(store, job_id, run);
    if (outcome === undefined) return false;
    const request = await readRequest(store, job_id, run);
    if (request === undefined) return false;
    const end = endedEvent(request, outcome);
    onFound(end.id);
    await inTraceOf({ traceparent }, () => publisher.publish(eventMessage(end)));
    return true;
  }
}
