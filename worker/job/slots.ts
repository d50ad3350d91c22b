import type { WorkerMetrics } from '../telemetry/worker-metrics.ts';

/** A slot is free again when it is disposed of. */
export interface Slot extends Disposable {
  /** From 1: the lowest that was free. */
  readonly number: number;
}

/**
 * The slots of a worker, each for a job in progress. At most the prefetch of the consumer is in use; more only while deliveries
 * of a lost channel are still being processed.
 */
export class Slots {
  readonly #inUse = new Set<number>();
  readonly #metrics: Pick<WorkerMetrics, 'takeSlot'>;

  constructor(metrics: Pick<WorkerMetrics, 'takeSlot'>) {
    this.#metrics = metrics;
  }

  take(): Slot {
    let number = 1;
    while (this.#inUse.has(number)) number++;
    this.#inUse.add(number);
    const release = this.#metrics.takeSlot();
    return {
      number,
      [Symbol.dispose]: () => {
        this.#inUse.delete(number);
        release();
      },
    };
  }
}
