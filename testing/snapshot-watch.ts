import { setTimeout as sleep } from 'node:timers/promises';
import { snapshotSchema, type Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';

const POLL_MS = 500;

/** @param url of the monitoring service. @throws Error if it does not respond with a snapshot */
export async function readSnapshot(url: string): Promise<Snapshot> {
  const response = await fetch(`${url}/status`, { signal: AbortSignal.timeout(2_000) });
  return snapshotSchema.parse(await response.json());
}

/** Keeps each snapshot of the monitoring service until it is closed. At an interval of 1 s it misses none. */
export class SnapshotWatch implements AsyncDisposable {
  readonly seen: Snapshot[] = [];
  readonly #url: string;
  readonly #watching: Promise<void>;
  #isClosed = false;

  constructor(url: string) {
    this.#url = url;
    this.#watching = this.#watch();
  }

  /** @throws Error if monitoring did not respond */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#watching;
  }

  async #watch(): Promise<void> {
    while (!this.#isClosed) {
      const snapshot = await readSnapshot(this.#url);
      if (snapshot.updated_at !== this.seen.at(-1)?.updated_at) this.seen.push(snapshot);
      await sleep(POLL_MS);
    }
  }
}
