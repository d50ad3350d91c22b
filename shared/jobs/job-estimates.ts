import type { QueueCounts } from '../broker/queue-inspector.ts';
import { isSlowJob } from '../contracts/job-order.ts';
import type { JobView } from './job-view.ts';
import { EstimateErrors } from './estimate-errors.ts';
import { ProcessingTimes, Throughput } from './throughput.ts';
import { WaitingJobs } from './waiting-jobs.ts';

/** Queue position and ETA of a job that has not ended. Null: not known. */
export interface JobEstimate {
  /** 1 is the next job; null also while the job is not in the queue. */
  readonly queue_position: number | null;
  /** Until the job has ended. */
  readonly eta_seconds: number | null;
}

/** The newest metrics of the job queue; undefined while RabbitMQ does not return them. */
export type QueueState = QueueCounts | undefined;

/** Bounds the memory for jobs whose end events are lost. */
const MAX_PROCESSING = 10_000;
/** On average, half of the processing time of the current jobs is over. */
const HALF_A_JOB = 0.5;

/**
 * Estimates when jobs end, from the event log: the number of jobs ahead, the throughput while jobs wait, and the processing
 * times of the newest jobs. RabbitMQ's metrics add the jobs that are older than the log, and whether there is a worker at
 * all; without workers there is no estimate.
 */
export class JobEstimates {
  readonly #now: () => number;
  readonly #waiting = new WaitingJobs();
  readonly #processing = new Set<string>();
  readonly #processingTimes = new ProcessingTimes();
  readonly #throughput: Throughput;
  readonly #errors: EstimateErrors;
  #queue: QueueState;
  /** Waiting jobs that the event log does not know; negative: jobs whose end events are missing. */
  #unseenJobs = 0;

  constructor(now: () => number = Date.now) {
    this.#now = now;
    this.#throughput = new Throughput(now);
    this.#errors = new EstimateErrors(now);
  }

  /** A job is now in this state. */
  changed(view: JobView): void {
    const { request, state, outcome } = view;
    this.#waiting.remove(request.job_id);
    this.#processing.delete(request.job_id);
    if (outcome !== undefined) {
      this.#throughput.ended(outcome);
      this.#processingTimes.ended(outcome);
      this.#errors.ended(outcome);
    } else if (state === 'processing') {
      this.#processing.add(request.job_id);
      const [oldest] = this.#processing;
      if (this.#processing.size > MAX_PROCESSING && oldest !== undefined) this.#processing.delete(oldest);
    } else if (!isSlowJob(view.timeline)) {
      // There is no estimate for the queue for slow images.
      this.#waiting.add({ jobId: request.job_id, dueAt: dueAt(view) });
    }
    const now = this.#now();
    this.#throughput.queueObserved(this.#waiting.dueBy(now) > 0, Math.min(now, newestHopAt(view)));
    if (state === 'queued') this.#errors.estimated(view.request, this.of(view, this.#queue)?.eta_seconds);
  }

  /** The event log is read from its start again: forgets everything. */
  forget(): void {
    this.#waiting.clear();
    this.#processing.clear();
    this.#processingTimes.clear();
    this.#throughput.clear();
    this.#errors.clear();
    this.#unseenJobs = 0;
  }

  /** Call it as soon as new metrics arrive, while they describe the same moment as the events. */
  compare(queue: QueueState): void {
    this.#queue = queue;
    if (queue !== undefined) this.#unseenJobs = queue.ready - this.#waiting.dueBy(this.#now());
  }

  /** Undefined for a job that has ended. */
  of(view: JobView, queue: QueueState): JobEstimate | undefined {
    if (view.outcome !== undefined) return undefined;
    if (view.state === 'processing') {
      const elapsed = (this.#now() - newestHopAt(view)) / 1_000;
      const left = hasWorkers(queue) ? this.#processingTimes.left(Math.max(0, elapsed)) : undefined;
      return { queue_position: null, eta_seconds: rounded(left) };
    }
    const known = this.#waiting.ahead(view.request.job_id);
    if (known === undefined) return { queue_position: null, eta_seconds: null };
    const ahead = Math.max(0, known + this.#unseenJobs);
    const dueIn = (dueAt(view) - this.#now()) / 1_000;
    const ends = this.#processing.size > 0 ? ahead + HALF_A_JOB : ahead;
    const startsIn = this.secondsFor(ends, queue?.consumers);
    const work = this.#processingTimes.mean;
    return {
      queue_position: dueIn > 0 ? null : ahead + 1,
      eta_seconds:
        startsIn === undefined || work === undefined ? null : rounded(Math.max(startsIn, dueIn) + work),
    };
  }

  /** The jobs that end next, at most `limit`: those in progress, then those at the head of the queue. */
  next(limit: number): string[] {
    const processing = [...this.#processing].slice(0, limit);
    return [...processing, ...this.#waiting.first(limit - processing.length)];
  }

  /** Where the end of a job with this estimate is likely to be, in seconds; null while too few jobs have ended. */
  range(etaSeconds: number | null): [number, number] | null {
    const factors = this.#errors.factors;
    if (etaSeconds === null || factors === undefined) return null;
    return [round(etaSeconds * factors.low), round(etaSeconds * factors.high)];
  }

  /**
   * How long until this many jobs have ended, in seconds; undefined where nothing is known or there is no worker.
   * @param slots how many jobs the workers can process at the same time; at least the number of workers
   */
  secondsFor(jobs: number, slots: number | undefined): number | undefined {
    if (slots === undefined || slots === 0) return undefined;
    const work = this.#processingTimes.mean;
    if (work === undefined) return undefined;
    const measured = this.#throughput.perSecond;
    // All slots are busy while jobs wait.
    return measured === undefined ? (jobs * work) / Math.max(slots, this.#processing.size) : jobs / measured;
  }
}

function hasWorkers(queue: QueueState): queue is QueueCounts {
  return queue !== undefined && queue.consumers > 0;
}

/** When a waiting job entered or will enter the queue, in milliseconds since 1970. */
function dueAt(view: JobView): number {
  const retryAt = view.timeline.at(-1)?.retry_at;
  return Date.parse(retryAt ?? view.request.submitted_at);
}

function newestHopAt({ timeline, request }: JobView): number {
  return Date.parse(timeline.at(-1)?.at ?? request.submitted_at);
}

/** To tenths. */
function round(seconds: number): number {
  return Math.round(seconds * 10) / 10;
}

function rounded(seconds: number | undefined): number | null {
  return seconds === undefined ? null : round(seconds);
}
