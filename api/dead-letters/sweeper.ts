import { setTimeout as sleep } from 'node:timers/promises';
import type { DeadLetter } from '@image-pipeline/shared/contracts/dead-letter.ts';
import { messageOf } from '@image-pipeline/shared/errors.ts';
import type { Startable } from '@image-pipeline/shared/lifecycle.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import { deadKey } from '@image-pipeline/shared/store/keys.ts';

/** Pause between two sweeps (ms), at least five times the duration of one: each holds the whole queue. */
const PAUSE_MS = 2_000;
const PAUSE_FACTOR = 5;
/** A message may be held by another replica's sweep, not yet be in the queue, or already be removed. */
const TRIES = 5;

export interface SweeperOptions {
  /** Sweeps once and returns the keys of the records whose messages it removed. */
  readonly sweep: (signal: AbortSignal) => Promise<ReadonlySet<string>>;
  /** Minimum pause between two sweeps; default 2 s. */
  readonly pauseMs?: number;
  readonly log: Logger;
}

/** Sweeps the dead-letter queue after marks: one sweep at a time, and again for messages it did not find. */
export class Sweeper implements Startable {
  readonly #options: SweeperOptions;
  readonly #stopping = new AbortController();
  /** Remaining sweeps for each record, by key. */
  readonly #wanted = new Map<string, number>();
  #isWanted = false;
  /** In a row. */
  #failures = 0;
  #sweeping: Promise<void> | undefined;

  constructor(options: SweeperOptions) {
    this.#options = options;
  }

  /** The first sweep removes what was marked before the last stop. */
  start(): Promise<void> {
    this.request([]);
    return Promise.resolve();
  }

  /** Sweeps soon, for these marked dead letters. */
  request(deadLetters: readonly Pick<DeadLetter, 'job_id' | 'run'>[]): void {
    for (const { job_id, run } of deadLetters) this.#wanted.set(deadKey(job_id, run), TRIES);
    this.#isWanted = true;
    this.#begin();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#sweeping;
  }

  #begin(): void {
    this.#sweeping ??= this.#sweepWhileWanted().finally(() => {
      this.#sweeping = undefined;
      // Requested just when the last sweep was over.
      if (this.#isWanted && !this.#stopping.signal.aborted) this.#begin();
    });
  }

  async #sweepWhileWanted(): Promise<void> {
    const { signal } = this.#stopping;
    while (this.#isWanted && !signal.aborted) {
      this.#isWanted = false;
      const startedAt = performance.now();
      await this.#sweepOnce();
      const pause = Math.max(
        this.#options.pauseMs ?? PAUSE_MS,
        (performance.now() - startedAt) * PAUSE_FACTOR,
      );
      await sleep(pause, undefined, { signal }).catch(() => undefined);
    }
  }

  async #sweepOnce(): Promise<void> {
    const { sweep, log } = this.#options;
    const sought = [...this.#wanted.keys()];
    try {
      const taken = await sweep(this.#stopping.signal);
      if (taken.size > 0) log.info({ messages: taken.size }, 'swept the dead-letter queue');
      for (const key of sought) this.#tick(key, taken.has(key));
      this.#isWanted ||= this.#wanted.size > 0;
      this.#failures = 0;
    } catch (error) {
      this.#failures++;
      const level = this.#failures === 1 ? 'debug' : 'warn';
      log[level]({ reason: messageOf(error) }, 'could not sweep the dead-letter queue; retrying');
      this.#isWanted = true;
    }
  }

  #tick(key: string, isTaken: boolean): void {
    const left = (this.#wanted.get(key) ?? 0) - 1;
    if (isTaken || left < 1) this.#wanted.delete(key);
    else this.#wanted.set(key, left);
  }
}
