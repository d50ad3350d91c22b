import { type DeadLetter, storedDeadLetterSchema } from '@image-pipeline/shared/contracts/dead-letter.ts';
import { StoreUnavailable } from '@image-pipeline/shared/errors.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import { deadKey, deadPrefix } from '@image-pipeline/shared/store/keys.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { jsonBody, readJson } from '@image-pipeline/shared/store/read-object.ts';
import PQueue from 'p-queue';

/** Records read from the store at the same time. */
const MAX_CONCURRENT_READS = 16;

export interface DeadLetterPage {
  /** Oldest job first. */
  readonly deadLetters: readonly DeadLetter[];
  /** Pass as `after` for the next page; undefined on the last one. */
  readonly next: string | undefined;
}

/** The dead letters, from their records in the store: reading consumes nothing from a queue. */
export class DeadLetters {
  readonly #store: Pick<ObjectStore, 'get' | 'list'>;
  readonly #log: Logger;
  /** By key. A record changes only in its state, and its ETag with it. */
  #known = new Map<string, { readonly etag: string; readonly deadLetter: DeadLetter }>();
  #reading: Promise<readonly DeadLetter[]> | undefined;
  #nextReading: Promise<readonly DeadLetter[]> | undefined;

  constructor(store: Pick<ObjectStore, 'get' | 'list'>, log: Logger) {
    this.#store = store;
    this.#log = log;
  }

  /** All current dead letters, oldest job first. @throws StoreUnavailable */
  async all(): Promise<readonly DeadLetter[]> {
    return (await this.records()).filter(({ state }) => state === 'dead');
  }

  /**
   * All records, including replayed and removed ones, oldest job first. One read at a time for any number of callers; no
   * caller gets a read that began before its call, so that everybody sees what they have just marked.
   * @throws StoreUnavailable
   */
  records(): Promise<readonly DeadLetter[]> {
    if (this.#reading === undefined) return this.#begin();
    this.#nextReading ??= this.#reading.then(
      () => this.#begin(),
      () => this.#begin(),
    );
    return this.#nextReading;
  }

  /** @param after the `next` of the page before */
  async page(options: {
    readonly limit: number;
    readonly after: string | undefined;
  }): Promise<DeadLetterPage> {
    const { limit, after } = options;
    const deadLetters = (await this.all()).filter(
      (deadLetter) => after === undefined || cursorOf(deadLetter) > after,
    );
    const page = deadLetters.slice(0, limit);
    const last = page.at(-1);
    return {
      deadLetters: page,
      next: deadLetters.length > limit && last !== undefined ? cursorOf(last) : undefined,
    };
  }

  #begin(): Promise<readonly DeadLetter[]> {
    this.#nextReading = undefined;
    const reading = this.#read().finally(() => {
      if (this.#reading === reading) this.#reading = undefined;
    });
    this.#reading = reading;
    return reading;
  }

  /** An unreadable record must not hide the others: it is listed as unreadable. */
  async #readDeadLetter(key: string): Promise<DeadLetter | undefined> {
    try {
      return await readJson(this.#store, key, storedDeadLetterSchema);
    } catch (error) {
      if (error instanceof StoreUnavailable) throw error;
      this.#log.error({ err: error, key }, 'unreadable record of a dead letter');
      return unreadableRecord(key);
    }
  }

  async #read(): Promise<readonly DeadLetter[]> {
    const known = new Map<string, { readonly etag: string; readonly deadLetter: DeadLetter }>();
    const reads = new PQueue({ concurrency: MAX_CONCURRENT_READS });
    const read = async (key: string, etag: string) => {
      const deadLetter = await this.#readDeadLetter(key);
      if (deadLetter !== undefined) known.set(key, { etag, deadLetter });
    };
    const reading: Promise<void>[] = [];
    for await (const { key, etag } of this.#store.list(deadPrefix)) {
      const before = this.#known.get(key);
      if (before?.etag === etag) known.set(key, before);
      else reading.push(reads.add(() => read(key, etag)));
    }
    await Promise.all(reading);
    this.#known = known;
    const deadLetters = [...known.values()].map(({ deadLetter }) => deadLetter);
    return deadLetters.toSorted((one, other) => (cursorOf(one) < cursorOf(other) ? -1 : 1));
  }
}

/** The key of a record. */
const keyPattern = /^dead\/([^/]+)\/([1-9]\d{0,8})\.json$/;

function unreadableRecord(key: string): DeadLetter | undefined {
  const [, job_id, run] = keyPattern.exec(key) ?? [];
  if (job_id === undefined) return undefined;
  const unknownTime = new Date(0).toISOString();
  return {
    version: 1,
    job_id,
    run: Number(run),
    attempts: 1,
    error: {
      code: 'internal_error',
      reason: `The record ${key} is unreadable; see the API log. It can be removed.`,
    },
    death: { reason: 'other', queue: 'unknown', at: unknownTime },
    name: null,
    operations: [],
    submitted_at: null,
    dead_lettered_at: unknownTime,
    state: 'dead',
  };
}

function cursorOf({ job_id, run }: DeadLetter): string {
  return deadKey(job_id, run).slice(deadPrefix.length);
}

/**
 * Removes a dead letter from all lists; the next sweep removes its message. Of two concurrent marks the later one wins,
 * which does not matter: neither is `dead`. @throws StoreUnavailable; safe to call again
 */
export async function markDeadLetter(
  store: Pick<ObjectStore, 'put'>,
  deadLetter: DeadLetter,
  state: 'replayed' | 'removed',
): Promise<void> {
  if (deadLetter.state === state) return;
  await store.put(
    deadKey(deadLetter.job_id, deadLetter.run),
    jsonBody({ ...deadLetter, state } satisfies DeadLetter),
  );
}
