import { fetchSnapshot, MonitoringUnreachable } from '@image-pipeline/shared/fetch-snapshot.ts';
import type { Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';

const TIMEOUT_MS = 5_000;

/** The monitoring service as experiments ask it: they go on without it. */
export class Monitoring {
  readonly url: string | undefined;

  /** @param url of the service; undefined where it does not run */
  constructor(url: string | undefined) {
    this.url = url;
  }

  /** What it knows; undefined while it does not answer. */
  async snapshot(): Promise<Snapshot | undefined> {
    if (this.url === undefined) return undefined;
    try {
      return await fetchSnapshot(this.url, { timeoutMs: TIMEOUT_MS });
    } catch (error) {
      if (error instanceof MonitoringUnreachable) return undefined;
      throw error;
    }
  }

  /** Runs of jobs that it has counted so far; undefined while it does not know. */
  async totals(): Promise<{ accepted: number; completed: number; failed: number } | undefined> {
    return (await this.snapshot())?.totals ?? undefined;
  }
}
