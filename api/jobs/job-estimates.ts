import type { QueueFigures } from '@image-pipeline/shared/broker/queue-inspector.ts';
import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import type { JobView } from '@image-pipeline/shared/jobs/job-view.ts';
import type { ReadQueueFigures } from '../pipeline-status/queue-metrics.ts';
import { hasEnded } from './followed-jobs.ts';
import { JobPace, WorkTimes } from './throughput.ts';
import { WaitingLine } from './waiting-jobs.ts';

/** Where a job is that has not ended, and how long it will take. Null: not known. */
export interface JobEstimate {
  /** 1 is the next one that a worker takes; null, too, while the job does not stand in the queue. */
  readonly queue_position: number | null;
  /** Until the job has ended. */
  readonly eta_seconds: number | null;
}

/** The queue in which jobs wait, as RabbitMQ has just shown it; undefined while it does not. */
export type LineFigures = QueueFigures | undefined;

/** Bounds what lost ends could leave behind. */
const MAX_WORKING = 10_000;
/** Of the wait for the next worker to become free, half is over on the average. */
const HALF_AN_END = 0.5;

/**
 * When jobs will end, by what the event log tells: how many wait before a job, how fast jobs end while others wait, and
 * how long workers had the newest ones in hand. RabbitMQ tells of jobs that the log does not reach back to, and whether
 * there is a worker at all; where there is none, nothing is promised.
 */
export class JobEstimates {
  readonly #now: () => number;
  readonly #waiting = new WaitingLine();
  readonly #working = new Set<string>();
  readonly #workTimes = new WorkTimes();
  readonly #pace: JobPace;
  /** Jobs before all others that events do not tell of; negative: of so many, the end was not heard. */
  #unheard = 0;

  constructor(now: () => number = Date.now) {
    this.#now = now;
    this.#pace = new JobPace(now);
  }

  /** A job is now in this state. */
  changed(view: JobView): void {
    const { request, state, outcome } = view;
    this.#waiting.leave(request.job_id);
    this.#working.delete(request.job_id);
    if (outcome !== undefined) {
      this.#pace.ended(outcome);
      this.#workTimes.ended(outcome);
    } else if (state === 'processing') {
      this.#working.add(request.job_id);
      const [oldest] = this.#working;
      if (this.#working.size > MAX_WORKING && oldest !== undefined) this.#working.delete(oldest);
    } else {
      this.#waiting.enter({ jobId: request.job_id, entersAt: entersAt(view) });
    }
    const now = this.#now();
    this.#pace.lineSeen(this.#waiting.enteredBy(now) > 0, Math.min(now, newestHopAt(view)));
  }

  /** The log was begun anew: what was read from the old one no longer counts. */
  forget(): void {
    this.#waiting.clear();
    this.#working.clear();
    this.#workTimes.clear();
    this.#pace.clear();
    this.#unheard = 0;
  }

  /** Call it when the figures are new: a moment later, they and the events tell of different moments. */
  compare(line: LineFigures): void {
    if (line !== undefined) this.#unheard = line.ready - this.#waiting.enteredBy(this.#now());
  }

  /** Undefined of a job that has ended. */
  of(view: JobView, line: LineFigures): JobEstimate | undefined {
    if (hasEnded(view)) return undefined;
    if (view.state === 'processing') {
      const elapsed = (this.#now() - newestHopAt(view)) / 1_000;
      const left = hasWorkers(line) ? this.#workTimes.left(Math.max(0, elapsed)) : undefined;
      return { queue_position: null, eta_seconds: rounded(left) };
    }
    const known = this.#waiting.ahead(view.request.job_id);
    if (known === undefined) return { queue_position: null, eta_seconds: null };
    const ahead = Math.max(0, known + this.#unheard);
    const entersIn = (entersAt(view) - this.#now()) / 1_000;
    const ends = this.#working.size > 0 ? ahead + HALF_AN_END : ahead;
    const startsIn = this.secondsFor(ends, line?.consumers);
    const work = this.#workTimes.mean;
    return {
      queue_position: entersIn > 0 ? null : ahead + 1,
      eta_seconds:
        startsIn === undefined || work === undefined ? null : rounded(Math.max(startsIn, entersIn) + work),
    };
  }

  /**
   * How long until this many jobs have ended, in seconds; undefined where nothing is known or no worker is there.
   * @param slots how many jobs the workers can do at once, or the least that is known: each has one slot
   */
  secondsFor(jobs: number, slots: number | undefined): number | undefined {
    if (slots === undefined || slots === 0) return undefined;
    const work = this.#workTimes.mean;
    if (work === undefined) return undefined;
    const measured = this.#pace.perSecond;
    // All slots are busy while jobs wait.
    return measured === undefined ? (jobs * work) / Math.max(slots, this.#working.size) : jobs / measured;
  }
}

function hasWorkers(line: LineFigures): line is QueueFigures {
  return line !== undefined && line.consumers > 0;
}

/** When a job that waits entered the queue or will enter it, in milliseconds since 1970. */
function entersAt(view: JobView): number {
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
  figures: ReadQueueFigures,
): EstimateJob {
  return async (view) =>
    hasEnded(view) ? undefined : estimates.of(view, (await figures())?.get(queueNames.process));
}

/** Where a job ends much sooner after all, nobody should have been sent away for longer. */
const MAX_RETRY_AFTER_S = 300;

/** The member of a problem that becomes its `Retry-After`; none where nothing is known, and the usual one is sent. */
export function retryAfterDetails(seconds: number | null | undefined): { retry_after_seconds?: number } {
  if (seconds === null || seconds === undefined) return {};
  return { retry_after_seconds: Math.min(MAX_RETRY_AFTER_S, Math.max(1, Math.ceil(seconds))) };
}
