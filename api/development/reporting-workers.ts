import type { Broker } from '@image-pipeline/shared/broker/broker.ts';
import type { Subscription } from '@image-pipeline/shared/broker/subscription.ts';
import { exchangeNames, routingKeys } from '@image-pipeline/shared/broker/topology.ts';
import {
  type WorkerCommand,
  workerCommandKey,
  type WorkerReport,
  workerReportSchema,
} from '@image-pipeline/shared/contracts/worker-command.ts';
import type { Startable } from '@image-pipeline/shared/lifecycle.ts';
import { v7 as uuidv7 } from 'uuid';

/** A worker reports every second; without a report for this long it is gone, in milliseconds. */
const GONE_AFTER_MS = 2_500;

/** The workers that report, and commands to them. */
export class ReportingWorkers implements Startable {
  readonly #broker: Pick<Broker, 'publisher'>;
  readonly #reports: Subscription;
  readonly #workers = new Map<string, { readonly report: WorkerReport; readonly gone: NodeJS.Timeout }>();
  readonly #waiting = new Set<() => void>();
  #version = 1;

  constructor(broker: Pick<Broker, 'publisher' | 'subscription'>) {
    this.#broker = broker;
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

  /** Grows with each change of `all`. */
  get version(): number {
    return this.#version;
  }

  get all(): readonly WorkerReport[] {
    const { compare } = new Intl.Collator('en', { numeric: true });
    return [...this.#workers.values()]
      .map(({ report }) => report)
      .toSorted((one, other) => compare(one.worker, other.worker));
  }

  /**
   * Sends a command.
   * @returns false if no worker with this name is connected
   * @throws PublishRefused, PublishUnconfirmed
   */
  async command(worker: string, command: WorkerCommand): Promise<boolean> {
    const isConnected = await this.#broker.publisher.publishIfBound({
      exchange: exchangeNames.workers,
      routingKey: workerCommandKey(worker),
      body: { version: 1, command },
      messageId: uuidv7(),
      correlationId: worker,
      type: 'worker.command',
      contentType: 'application/json',
    });
    if (!isConnected || command === 'kill') this.#remove(worker);
    return isConnected;
  }

  #take(body: unknown): void {
    const report = workerReportSchema.safeParse(body).data;
    if (report === undefined) return;
    const known = this.#workers.get(report.worker);
    clearTimeout(known?.gone);
    const gone = setTimeout(() => this.#remove(report.worker), GONE_AFTER_MS);
    this.#workers.set(report.worker, { report, gone });
    if (JSON.stringify(known?.report) !== JSON.stringify(report)) this.#changed();
  }

  #remove(worker: string): void {
    clearTimeout(this.#workers.get(worker)?.gone);
    if (this.#workers.delete(worker)) this.#changed();
  }

  /** Resolves at the next change, or when `signal` aborts. */
  changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        this.#waiting.delete(end);
        signal.removeEventListener('abort', end);
        resolve();
      };
      if (signal.aborted) resolve();
      else {
        this.#waiting.add(end);
        signal.addEventListener('abort', end);
      }
    });
  }

  #changed(): void {
    this.#version++;
    for (const end of this.#waiting) end();
  }
}
