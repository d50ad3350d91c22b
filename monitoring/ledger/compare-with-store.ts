import { decodeMessage } from '@image-pipeline/shared/broker/received-message.ts';
import { type JobEvent, jobEventSchemas } from '@image-pipeline/shared/contracts/event.ts';
import type { Outcome } from '@image-pipeline/shared/contracts/outcome.ts';
import { isDamagedRecord, messageOf } from '@image-pipeline/shared/errors.ts';
import { mayHaveBeenRemoved } from '@image-pipeline/shared/jobs/retention.ts';
import { readOutcome, readRequest } from '@image-pipeline/shared/jobs/read-run.ts';
import type { Startable } from '@image-pipeline/shared/lifecycle.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import type { Metrics } from '@image-pipeline/shared/metrics.ts';
import { Repeater } from '@image-pipeline/shared/repeater.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';

const CHECK_EVERY_SECONDS = 5;
/** Maximum number of claims per check: all of them up to about 10 jobs per second, and a sample beyond. */
const LOOKUPS_PER_CHECK = 50;
/** Maximum number of suspicious claims to remember. */
const MAX_SUSPICIOUS = 1_000;

/** What an event says: that the run exists, and how it ended. */
interface Claim {
  readonly job_id: string;
  readonly run: number;
  readonly end: Pick<Outcome, 'state' | 'attempt_id'> | undefined;
}

export interface StoreComparisonOptions {
  readonly store: Pick<ObjectStore, 'get'>;
  /** How long jobs are kept after their end, in milliseconds. */
  readonly retentionMs: number;
  readonly metrics: Pick<Metrics, 'increase'>;
  readonly log: Logger;
}

/**
 * Compares what events say with the store, which decides. Totals come from events, and anyone who can publish can forge them.
 * Claims that an honest service seldom makes are always compared: a run after the first one, and a second end of a run. Of
 * the others, the newest of each interval are.
 */
export class StoreComparison implements Startable {
  readonly #options: StoreComparisonOptions;
  readonly #repeater = new Repeater(() => this.#check(), CHECK_EVERY_SECONDS);
  /** By job, run and, for suspicious claims, end. */
  #sampled = new Map<string, Claim>();
  readonly #suspicious = new Map<string, Claim>();

  constructor(options: StoreComparisonOptions) {
    this.#options = options;
  }

  start(): Promise<void> {
    return this.#repeater.start();
  }

  stop(): Promise<void> {
    return this.#repeater.stop();
  }

  /**
   * An event of the log that was not read by an earlier process.
   * @param isSecondEnd whether it ends a run that has ended already; a repeated event is one, too
   */
  onEvent({ data, type }: JobEvent, isSecondEnd: boolean): void {
    const { job_id, run } = data;
    const isEnd = type === 'job.completed' || type === 'job.failed';
    const end = isEnd ? data.outcome : undefined;
    const claim = { job_id, run, end: end && { state: end.state, attempt_id: end.attempt_id } };
    const key = `${job_id}/${run}`;
    if (run > 1 || isSecondEnd) {
      if (this.#suspicious.size < MAX_SUSPICIOUS) {
        this.#suspicious.set(`${key}/${end?.state ?? ''}/${end?.attempt_id ?? ''}`, claim);
      }
      return;
    }
    // An end says also that the run exists.
    if (end === undefined && this.#sampled.has(key)) return;
    this.#sampled.delete(key);
    this.#sampled.set(key, claim);
    const [oldest] = this.#sampled.keys();
    if (this.#sampled.size > LOOKUPS_PER_CHECK && oldest !== undefined) this.#sampled.delete(oldest);
  }

  /** An invalid event in the log. Those of types that this version does not know are ignored. */
  onInvalid(content: Buffer): void {
    if (claimsKnownType(content)) this.#count('malformed', {});
  }

  async #check(): Promise<undefined> {
    const sampled = [...this.#sampled.values()];
    this.#sampled = new Map();
    try {
      for (const [key, claim] of [...this.#suspicious].slice(0, LOOKUPS_PER_CHECK)) {
        if (!this.#repeater.isOn) return;
        await this.#compare(claim);
        this.#suspicious.delete(key);
      }
      for (const claim of sampled) {
        if (!this.#repeater.isOn) return;
        await this.#compare(claim);
      }
    } catch (error) {
      this.#options.log.warn({ reason: messageOf(error) }, 'could not compare events with the store');
    }
  }

  /** @throws StoreUnavailable */
  async #compare({ job_id, run, end }: Claim): Promise<void> {
    const { store, retentionMs } = this.#options;
    try {
      if ((await readRequest(store, job_id, run)) === undefined) {
        // An event that was written before its job was removed, with all its runs, and is read only now.
        const isRemoved =
          mayHaveBeenRemoved(job_id, retentionMs) && (await readRequest(store, job_id, 1)) === undefined;
        if (!isRemoved) this.#count('run', { job_id, run });
      } else if (end !== undefined) {
        const outcome = await readOutcome(store, job_id, run);
        const isSame = outcome?.state === end.state && outcome.attempt_id === end.attempt_id;
        if (!isSame) this.#count('outcome', { job_id, run, claimed: end.state, stored: outcome?.state });
      }
    } catch (error) {
      if (!isDamagedRecord(error)) throw error;
      this.#count('outcome', { job_id, run, reason: messageOf(error) });
    }
  }

  #count(kind: 'malformed' | 'run' | 'outcome', about: Readonly<Record<string, unknown>>): void {
    this.#options.metrics.increase('image_store_contradictions_total', { kind });
    this.#options.log.warn({ kind, ...about }, 'an event contradicts the store');
  }
}

function claimsKnownType(content: Buffer): boolean {
  try {
    const event: unknown = decodeMessage(content);
    return (
      typeof event === 'object' &&
      event !== null &&
      'type' in event &&
      typeof event.type === 'string' &&
      Object.hasOwn(jobEventSchemas, event.type)
    );
  } catch {
    return true;
  }
}
