import type { Broker } from '@image-pipeline/shared/broker/broker.ts';
import type { Subscription } from '@image-pipeline/shared/broker/subscription.ts';
import { exchangeNames, routingKeys } from '@image-pipeline/shared/broker/topology.ts';
import { type WorkerReport, workerReportSchema } from '@image-pipeline/shared/contracts/worker-command.ts';
import type { Startable } from '@image-pipeline/shared/lifecycle.ts';

/** A worker reports every second; without a report for this long it is gone, in milliseconds. */
const GONE_AFTER_MS = 2_500;

/** The workers that report their state, outside of production. */
export class ReportingWorkers implements Startable {
  readonly #reports: Subscription;
  readonly #onChange: () => void;
  readonly #workers = new Map<string, { readonly report: WorkerReport; readonly gone: NodeJS.Timeout }>();

  constructor(broker: Pick<Broker, 'subscription'>, onChange: () => void) {
    this.#onChange = onChange;
    this.#reports = broker.subscription({
      exchange: exchangeNames.workers,
      routingKey: routingKeys.workerReport,
      onMessage: (body) => this.#take(body),
    });
  }

  start(): Promise<void> {
    return this.#reports.start();
  }

  async stop(): Promise<void> {
    await this.#reports.stop();
    for (const { gone } of this.#workers.values()) clearTimeout(gone);
    this.#workers.clear();
  }

  /** The newest report of each, sorted by name. */
  get all(): readonly WorkerReport[] {
    const { compare } = new Intl.Collator('en', { numeric: true });
    return [...this.#workers.values()]
      .map(({ report }) => report)
      .toSorted((one, other) => compare(one.worker, other.worker));
  }

  #take(body: unknown): void {
    const report = workerReportSchema.safeParse(body).data;
    if (report === undefined) return;
    const known = this.#workers.get(report.worker);
    clearTimeout(known?.gone);
    const gone = setTimeout(() => this.#remove(report.worker), GONE_AFTER_MS);
    this.#workers.set(report.worker, { report, gone });
    if (JSON.stringify(known?.report) !== JSON.stringify(report)) this.#onChange();
  }

  #remove(worker: string): void {
    this.#workers.delete(worker);
    this.#onChange();
  }
}
