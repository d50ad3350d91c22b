import type { Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';
import type { Counted } from './conclusions.ts';
import { fetchSnapshot, MonitoringUnreachable } from '@image-pipeline/shared/fetch-snapshot.ts';

const TIMEOUT_MS = 5_000;

/** A client of the monitoring service for experiments, which also work without it. */
export class Monitoring {
  readonly url: string | undefined;

  /** @param url of the service; undefined if it is not running */
  constructor(url: string | undefined) {
    this.url = url;
  }

  /** The current snapshot; undefined if the service does not respond. */
  async snapshot(): Promise<Snapshot | undefined> {
    if (this.url === undefined) return undefined;
    try {
      return await fetchSnapshot(this.url, { timeoutMs: TIMEOUT_MS });
    } catch (error) {
      if (error instanceof MonitoringUnreachable) return undefined;
      throw error;
    }
  }

  /** Counts of job runs so far; undefined if unknown. */
  async totals(): Promise<Counted | undefined> {
    return (await this.snapshot())?.totals ?? undefined;
  }
}
