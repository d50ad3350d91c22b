import type { Publisher } from '@image-pipeline/shared/broker/publisher.ts';
import {
  MAX_JOBS_LISTED,
  type RepublishOrder,
  type RepublishResult,
} from '@image-pipeline/shared/contracts/republish.ts';
import { endedEvent } from '@image-pipeline/shared/contracts/event.ts';
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

const CHECK_EVERY_SECONDS = 5;
/** Maximum number of store lookups per check. */
const LOOKUPS_PER_CHECK = 200;
/** A run without an outcome may still get one. */
const LOOKUP_AGAIN_MS = 60_000;

/** RabbitMQ's metrics may not include a message that was published less than this ago. */
const COUNTED_AFTER_MS = 20_000;
/** A run is published again at most this often, so that one that is lost each time does not fill the queue. */
const REPUBLISH_AGAIN_MS = 600_000;
/** The same, where a person asks for it. */
const REPUBLISH_ON_REQUEST_AGAIN_MS = 60_000;
/** Runs that a request republishes concurrently. */
const REPUBLISHED_AT_ONCE = 8;

export interface LedgerRepairOptions {
  readonly store: Pick<ObjectStore, 'get'>;
  readonly publisher: Pick<Publisher, 'publish'>;
  /** Open runs that may be in no queue, the likeliest first; none if nothing is missing. */
  readonly suspects: () => readonly OpenRun[];
  /** The number of open runs that are certainly in no queue, and the runs of which it is possible, the likeliest first. */
  readonly lost: () => { readonly count: number; readonly candidates: readonly OpenRun[] };
  /** How long a run must be lost before it is published again, in milliseconds. */
  readonly repairAfterMs: number;
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
  /** Since when each run is lost, and when it was published again, by the monotonic clock and by `{job_id}/{run}`. */
  #lostSince = new Map<string, number>();
  readonly #republished = new Map<string, number>();

  constructor(options: LedgerRepairOptions) {
    this.#options = options;
  }

  start(): Promise<void> {
    return this.#repeater.start();
  }

  stop(): Promise<void> {
    return this.#repeater.stop();
  }

  /**
   * Publishes lost runs again without waiting for `repairAfterMs`. Requests at the same time publish each run once.
   * @throws StoreUnavailable, PublishRefused, PublishUnconfirmed; the next request publishes the runs that are left
   */
  async republish({ ids, dry_run }: RepublishOrder): Promise<RepublishResult> {
    const wanted = ids && new Set(ids);
    const lost = this.#lost(REPUBLISH_ON_REQUEST_AGAIN_MS).filter(
      ({ job_id }) => wanted?.has(job_id) ?? true,
    );
    const result = { dry_run, unaccounted: lost.length, republished: 0, ended: 0, damaged: 0 };
    const runs: RepublishResult['runs'] = [];
    const onRepublished = ({ job_id, run }: OpenRun) => {
      result.republished++;
      if (runs.length < MAX_JOBS_LISTED) runs.push({ job_id, run });
    };
    // One generator for all lanes: each takes the next run, and one that fails ends it for all.
    const next = (function* () {
      yield* lost;
    })();
    const lanes = Array.from({ length: REPUBLISHED_AT_ONCE }, async () => {
      for (const run of next) {
        if (!this.#repeater.isOn) return;
        if (dry_run) {
          onRepublished(run);
          continue;
        }
        const isRepublished = await this.#republish(run, REPUBLISH_ON_REQUEST_AGAIN_MS);
        if (isRepublished === true) onRepublished(run);
        else if (isRepublished === false) result.ended++;
        else if (isRepublished === 'damaged') result.damaged++;
      }
    });
    await Promise.allSettled(lanes);
    if (!dry_run && result.republished > 0) this.#logRepublished(result.republished);
    await Promise.all(lanes);
    return { ...result, runs };
  }

  /** As many of the runs that were not published again in the last `againMs` as are still lost. */
  #lost(againMs: number): readonly OpenRun[] {
    const { count, candidates } = this.#options.lost();
    const now = performance.now();
    const ages = [...this.#republished.values()].map((at) => now - at);
    const notCounted = ages.filter((age) => age < COUNTED_AFTER_MS).length;
    return candidates
      .filter((run) => !this.#wasRepublished(run, againMs))
      .slice(0, Math.max(0, count - notCounted));
  }

  #wasRepublished(run: OpenRun, withinMs: number): boolean {
    return performance.now() - (this.#republished.get(keyOf(run)) ?? -Infinity) <= withinMs;
  }

  async #check(): Promise<undefined> {
    await this.#findEnds();
    await this.#republishLost();
  }

  async #republishLost(): Promise<void> {
    const { repairAfterMs, log } = this.#options;
    const now = performance.now();
    const lost = this.#lost(REPUBLISH_AGAIN_MS);
    this.#lostSince = new Map(lost.map((run) => [keyOf(run), this.#lostSince.get(keyOf(run)) ?? now]));
    for (const [key, at] of this.#republished) {
      if (at < now - REPUBLISH_AGAIN_MS) this.#republished.delete(key);
    }
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
    if (republished > 0) this.#logRepublished(republished);
  }

  /**
   * Reserves the run before it publishes it, because a request may come meanwhile.
   * @returns whether it was published: `false` if it has ended or has no request, `damaged` if its records cannot be read,
   *   and undefined if it was published since the caller listed it
   */
  async #republish(run: OpenRun, againMs: number): Promise<boolean | 'damaged' | undefined> {
    if (this.#wasRepublished(run, againMs)) return undefined;
    this.#republished.set(keyOf(run), performance.now());
    try {
      return await this.#unlessDamaged(run, () => republishRun(run, this.#options));
    } catch (error) {
      this.#republished.delete(keyOf(run));
      throw error;
    }
  }

  #logRepublished(runs: number): void {
    this.#options.log.warn({ runs }, 'republished jobs that were in no queue');
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

function keyOf({ job_id, run }: OpenRun): string {
  return `${job_id}/${run}`;
}
