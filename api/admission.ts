import { PipelineError } from '@image-pipeline/shared/errors.ts';
import type { JobPace } from './job-pace.ts';
import type { ReadQueueFigures } from './queue-figures.ts';

const MAX_RETRY_AFTER_S = 300;

export interface AdmissionOptions {
  /** Jobs that may wait, ready or on a rung of the retry ladder; those that workers have in hand are not counted. */
  readonly maxQueueLength: number;
  /** Of the queues in which jobs wait; may be a moment old. */
  readonly figures: ReadQueueFigures;
  readonly pace: Pick<JobPace, 'secondsFor'>;
}

/**
 * Refuses uploads while too many jobs wait. The bound is soft: by what was accepted in the moment that the figures are
 * old, and by the files of uploads that are being received. The broker has no bound of its own: a full queue would
 * refuse retries as well.
 */
export class Admission {
  readonly #options: AdmissionOptions;
  #seen: Awaited<ReturnType<ReadQueueFigures>>;
  #acceptedSince = 0;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** A job was accepted, which the figures at hand do not count. */
  accepted(): void {
    this.#acceptedSince++;
  }

  /** Why no job can be accepted right now, or undefined; also while the broker does not tell how many wait. */
  async refuseBecause(): Promise<PipelineError | undefined> {
    const { maxQueueLength, pace } = this.#options;
    const waiting = await this.#waiting();
    if (waiting === undefined || waiting < maxQueueLength) return undefined;
    const excess = waiting - maxQueueLength + 1;
    const seconds = pace.secondsFor(excess);
    return new PipelineError(
      'queue_full',
      `${waiting} jobs wait for a worker and the limit is ${maxQueueLength}; nothing was stored, so send it again later.`,
      {
        details: {
          limit: maxQueueLength,
          seen: waiting,
          ...(seconds === undefined
            ? {}
            : { retry_after_seconds: Math.min(MAX_RETRY_AFTER_S, Math.max(1, Math.ceil(seconds))) }),
        },
      },
    );
  }

  async #waiting(): Promise<number | undefined> {
    const figures = await this.#options.figures();
    if (figures === undefined) return undefined;
    if (figures !== this.#seen) {
      this.#seen = figures;
      this.#acceptedSince = 0;
    }
    const counted = [...figures.values()].reduce((sum, { ready }) => sum + ready, 0);
    return counted + this.#acceptedSince;
  }
}
