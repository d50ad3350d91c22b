import type { JobEvent } from '@image-pipeline/shared/contracts/event.ts';
import type { JobRequest } from '@image-pipeline/shared/contracts/job.ts';
import { isDamagedRecord, messageOf } from '@image-pipeline/shared/errors.ts';
import type { Startable } from '@image-pipeline/shared/lifecycle.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import { Repeater } from '@image-pipeline/shared/repeater.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { recordFailure } from './record-dead-letter.ts';

/** Maximum number of failed runs to remember. */
const MAX_PENDING = 50_000;

type FailedRun = Pick<JobRequest, 'job_id' | 'run'>;

export interface UnrecordedFailuresOptions {
  readonly store: Pick<ObjectStore, 'get' | 'stat' | 'putIfAbsent'>;
  /** How long a failed run may have no dead letter, in milliseconds. */
  readonly lostAfterMs: number;
  readonly log: Logger;
}

/**
 * Records failed runs whose message never reached the DLQ recorder: its queue was purged or deleted, or its binding was
 * missing. The event log has every failed run, and the store every dead letter, also replayed and removed ones.
 */
export class UnrecordedFailures implements Startable {
  readonly #options: UnrecordedFailuresOptions;
  readonly #repeater: Repeater;
  /** Failed runs and the time of their event by the monotonic clock, oldest first; by `{job_id}/{run}`. */
  readonly #pending = new Map<string, { readonly run: FailedRun; readonly at: number }>();

  constructor(options: UnrecordedFailuresOptions) {
    this.#options = options;
    this.#repeater = new Repeater(() => this.#check(), options.lostAfterMs / 2_000);
  }

  start(): Promise<void> {
    return this.#repeater.start();
  }

  stop(): Promise<void> {
    return this.#repeater.stop();
  }

  /** The next event of the log. */
  onEvent(event: JobEvent): void {
    if (event.type !== 'job.failed') return;
    const { job_id, run } = event.data;
    const key = `${job_id}/${run}`;
    if (this.#pending.has(key) || this.#pending.size >= MAX_PENDING) return;
    this.#pending.set(key, { run: { job_id, run }, at: performance.now() });
  }

  async #check(): Promise<undefined> {
    const { store, lostAfterMs, log } = this.#options;
    const until = performance.now() - lostAfterMs;
    const due = [...this.#pending].filter(([, { at }]) => at <= until);
    try {
      for (const [key, { run }] of due) {
        if (!this.#repeater.isOn) return;
        const isNew = await recordFailure(run, store).catch((error: unknown) => {
          if (!isDamagedRecord(error)) throw error;
          log.error(
            { err: error, job_id: run.job_id },
            'cannot record a failed run: its records are damaged',
          );
        });
        if (isNew === true)
          log.warn({ job_id: run.job_id }, 'recorded a failed run whose dead letter was lost');
        this.#pending.delete(key);
      }
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'could not look for unrecorded failures; retrying');
    }
  }
}
