import type { QueueFigures } from '@image-pipeline/shared/broker/queue-inspector.ts';
import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import type { JobView } from '@image-pipeline/shared/jobs/job-view.ts';
import type { ReadQueueMetrics } from '../pipeline-status/queue-metrics.ts';
import { hasEnded } from './followed-jobs.ts';
import { Throughput, ProcessingTimes } from './throughput.ts';
import { WaitingJobs } from './waiting-jobs.ts';

/** Where a job is that has not ended, and how long it will take. Null: not known. */
export interface JobEstimate {
  /** 1 is the next one that a worker takes; null, too, while the job does not stand in the queue. */
  readonly queue_position: number | null;
  /** Until the job has ended. */
  readonly eta_seconds: number | null;
}

/** The queue in which jobs wait, as RabbitMQ has just shown it; undefined while it does not. */
export type QueueState = QueueFigures | undefined;

/** Bounds what lost ends could leave behind. */
const MAX_PROCESSING = 10_000;
/** Of the wait for the next worker to become free, half is over on the average. */
const HALF_A_JOB = 0.5;

/**
 * When jobs will end, by what the event log tells: how many wait before a job, how fast jobs end while others wait, and
 * how long workers had the newest ones in hand. RabbitMQ tells of jobs that the log does not reach back to, and whether
 * there is a worker at all; where there is none, nothing is promised.
 */
export class JobEstimates {
  readonly #now: () => number;
  readonly #waiting = new WaitingJobs();
  readonly #processing = new Set<string>();
  readonly #processingTimes = new ProcessingTimes();
  readonly #throughput: Throughput;
  /** Jobs before all others that events do not tell of; negative: of so many, the end was not heard. */
  #unseenJobs = 0;

  constructor(now: () => number = Date.now) {
    this.#now = now;
    this.#throughput = new Throughput(now);
  }

  /** A job is now in this state. */
  changed(view: JobView): void {
    const { request, state, outcome } = view;
    this.#waiting.remove(request.job_id);
    this.#processing.delete(request.job_id);
    if (outcome !== undefined) {
      this.#throughput.ended(outcome);
      this.#processingTimes.ended(outcome);
    } else if (state === 'processing') {
      this.#processing.add(request.job_id);
      const [oldest] = this.#processing;
      if (this.#processing.size > MAX_PROCESSING && oldest !== undefined) this.#processing.delete(oldest);
    } else {
      this.#waiting.add({ jobId: request.job_id, dueAt: dueAt(view) });
    }
    const now = this.#now();
    this.#throughput.queueObserved(this.#waiting.dueBy(now) > 0, Math.min(now, newestHopAt(view)));
  }

  /** The log was begun anew: what was read from the old one no longer counts. */
  forget(): void {
    this.#waiting.clear();
    this.#processing.clear();
    this.#processingTimes.clear();
    this.#throughput.clear();
    this.#unseenJobs = 0;
  }

  /** Call it when the figures are new: a moment later, they and the events tell of different moments. */
  compare(queue: QueueState): void {
    if (queue !== undefined) this.#unseenJobs = queue.ready - this.#waiting.dueBy(this.#now());
  }

  /** Undefined of a job that has ended. */
  of(view: JobView, queue: QueueState): JobEstimate | undefined {
    if (hasEnded(view)) return undefined;
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

  /**
   * How long until this many jobs have ended, in seconds; undefined where nothing is known or no worker is there.
   * @param slots how many jobs the workers can do at once, or the least that is known: each has one slot
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

function hasWorkers(queue: QueueState): queue is QueueFigures {
  return queue !== undefined && queue.consumers > 0;
}

/** When a job that waits entered the queue or will enter it, in milliseconds since 1970. */
function dueAt(view: JobView): number {
  const retryAt = view.timeline.at(-1)?.retry_at;
  return Date.parse(retryAt ?? view.request.submitted_at);
}

function newestHopAt({ timeline, request }: JobView): number {
  return Date.parse(timeline.at(-1)?.at ?? request.submitted_at);
}

function rounded(seconds: number | undefined): number | null {
  return seconds === undefined ? null : Math.round(seconds * 10) / 10;
}

/** Where a job is and how long it will take; undefined once it has ended. */
export type EstimateJob = (view: JobView) => Promise<JobEstimate | undefined>;

/** Estimates by newest figures of the queue; of a job that has ended, without asking for them. */
export function createEstimateJob(
  estimates: Pick<JobEstimates, 'of'>,
  queueMetrics: ReadQueueMetrics,
): EstimateJob {
  return async (view) =>
    hasEnded(view) ? undefined : estimates.of(view, (await queueMetrics())?.get(queueNames.process));
}

/** Where a job ends much sooner after all, nobody should have been sent away for longer. */
const MAX_RETRY_AFTER_S = 300;

/** The member of a problem that becomes its `Retry-After`; none where nothing is known, and the usual one is sent. */
export function retryAfterDetails(seconds: number | null | undefined): { retry_after_seconds?: number } {
  if (seconds === null || seconds === undefined) return {};
  return { retry_after_seconds: Math.min(MAX_RETRY_AFTER_S, Math.max(1, Math.ceil(seconds))) };
}
