import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import type { JobEstimates } from '@image-pipeline/shared/jobs/job-estimates.ts';
import { retryAfterDetails } from '../jobs/estimate-job.ts';
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
 * the limit; only the further files of an upload can. While the broker does not report the queues, the last known length
 * plus all jobs accepted since counts. The broker has no limit of its own: a full queue would refuse retries as well.
 */
export class Admission {
  readonly #options: AdmissionOptions;
  #seen: Awaited<ReturnType<ReadQueueMetrics>>;
  /** Times of jobs accepted since the newest metrics were requested, by the monotonic clock. */
  #acceptedAt: number[] = [];
  #inFlight = 0;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** A job was accepted that the newest queue metrics do not include yet. */
  accepted(): void {
    this.#acceptedAt.push(performance.now());
  }

  /**
   * Admits an upload.
   * @returns call it once when the upload has been processed
   * @throws PipelineError `queue_full`
   */
  async enter(): Promise<() => void> {
    const { queueMetrics, maxQueueLength } = this.#options;
    const newest = await queueMetrics();
    // No `await` from here to the count, or a whole burst would be admitted.
    const waiting = this.#waiting(newest);
    if (waiting >= maxQueueLength) throw this.#refusal(waiting);
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

  #waiting(queueMetrics: Awaited<ReturnType<ReadQueueMetrics>>): number {
    if (queueMetrics !== undefined && queueMetrics !== this.#seen) {
      this.#seen = queueMetrics;
      const { requestedAt } = queueMetrics;
      this.#acceptedAt = this.#acceptedAt.filter((at) => at >= requestedAt);
    }
    const counted = [...(this.#seen?.values() ?? [])].reduce((sum, { ready }) => sum + ready, 0);
    return counted + this.#acceptedAt.length + this.#inFlight;
  }
}
