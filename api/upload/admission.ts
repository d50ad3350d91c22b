import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import { type JobEstimates, retryAfterDetails } from '../jobs/job-estimates.ts';
import type { ReadQueueMetrics } from '../pipeline-status/queue-metrics.ts';

export interface AdmissionOptions {
  /** Maximum number of waiting jobs, ready or in a retry queue; jobs that workers process are not counted. */
  readonly maxQueueLength: number;
  /** Metrics of the queues in which jobs wait; may be a moment old. */
  readonly queueMetrics: ReadQueueMetrics;
  readonly estimates: Pick<JobEstimates, 'secondsFor'>;
}

/**
 * Refuses uploads while too many jobs wait. An upload in progress already counts as one job, so that a burst cannot exceed
 * the limit; only the further files of an upload can. The broker has no limit of its own: a full queue would refuse
 * retries as well.
 */
export class Admission {
  readonly #options: AdmissionOptions;
  #seen: Awaited<ReturnType<ReadQueueMetrics>>;
  #acceptedSince = 0;
  #inFlight = 0;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** A job was accepted that the newest queue metrics do not include yet. */
  accepted(): void {
    this.#acceptedSince++;
  }

  /**
   * Admits an upload; also while the number of waiting jobs is unknown.
   * @returns call it once when the upload has been processed
   * @throws PipelineError `queue_full`
   */
  async enter(): Promise<() => void> {
    const { queueMetrics, maxQueueLength } = this.#options;
    const newest = await queueMetrics();
    // No `await` from here to the count, or a whole burst would be admitted.
    const waiting = this.#waiting(newest);
    if (waiting !== undefined && waiting >= maxQueueLength) throw this.#refusal(waiting);
    this.#inFlight++;
    return () => {
      this.#inFlight--;
    };
  }

  #refusal(waiting: number): PipelineError {
    const { maxQueueLength, estimates } = this.#options;
    const line = this.#seen?.get(queueNames.process);
    const seconds = estimates.secondsFor(waiting - maxQueueLength + 1, line?.consumers);
    return new PipelineError(
      'queue_full',
      `The queue is full: ${waiting} jobs are waiting, the maximum is ${maxQueueLength}. Nothing was stored; retry later.`,
      {
        details: {
          limit: maxQueueLength,
          seen: waiting,
          ...retryAfterDetails(seconds),
        },
      },
    );
  }

  #waiting(queueMetrics: Awaited<ReturnType<ReadQueueMetrics>>): number | undefined {
    if (queueMetrics === undefined) return undefined;
    if (queueMetrics !== this.#seen) {
      this.#seen = queueMetrics;
      this.#acceptedSince = 0;
    }
    const counted = [...queueMetrics.values()].reduce((sum, { ready }) => sum + ready, 0);
    return counted + this.#acceptedSince + this.#inFlight;
  }
}
