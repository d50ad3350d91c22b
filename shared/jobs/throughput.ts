import type { Outcome } from '../contracts/outcome.ts';

/** Older ends are irrelevant for the current throughput. */
const WINDOW_MS = 60_000;
/** Few enough to follow changes of workers and images. */
const NEWEST = 20;
/** Fewer are too few for an estimate. */
const MIN_ENDS = 5;

/**
 * Throughput of all workers while jobs wait. While none waits, jobs end as fast as they arrive, which is not the maximum.
 */
export class Throughput {
  readonly #now: () => number;
  /** Ends of the newest jobs and the one before them, in milliseconds since 1970, oldest first. */
  #endTimes: number[] = [];
  #waitingSince: number | undefined;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  ended({ finished_at }: Pick<Outcome, 'finished_at'>): void {
    const end = Math.min(Date.parse(finished_at), this.#now());
    this.#endTimes = [...this.#endTimes, end].sort((one, other) => one - other).slice(-NEWEST - 1);
  }

  /** @param at time of the observation, in milliseconds since 1970 */
  queueObserved(isWaiting: boolean, at: number): void {
    this.#waitingSince = isWaiting ? (this.#waitingSince ?? at) : undefined;
  }

  clear(): void {
    this.#endTimes = [];
    this.#waitingSince = undefined;
  }

  /** Jobs per second, from the newest that ended while others waited; undefined if too few did in the last minute. */
  get perSecond(): number | undefined {
    const now = this.#now();
    const since = Math.max(this.#waitingSince ?? now, now - WINDOW_MS);
    const [first = since, ...others] = this.#endTimes.filter((end) => end > since);
    // If the window is full, its oldest end only marks the start.
    const [begin, endTimes] = others.length === NEWEST ? [first, NEWEST] : [since, others.length + 1];
    return endTimes < MIN_ENDS ? undefined : (endTimes * 1_000) / Math.max(1, now - begin);
  }
}

/** Enough for a mean, few enough to follow changes of images. */
const NEWEST_TIMES = 100;

/** Processing times of the newest jobs that ended, in seconds. */
export class ProcessingTimes {
  readonly #times: number[] = [];

  ended({ timeline, attempt, finished_at }: Outcome): void {
    const started = timeline.findLast((hop) => hop.state === 'processing' && hop.attempt === attempt);
    if (started === undefined) return;
    this.#times.push(Math.max(0, Date.parse(finished_at) - Date.parse(started.at)) / 1_000);
    if (this.#times.length > NEWEST_TIMES) this.#times.shift();
  }

  clear(): void {
    this.#times.length = 0;
  }

  /** Undefined if no job has ended. */
  get mean(): number | undefined {
    return this.left(0);
  }

  /** Expected rest of a job after `elapsed` seconds: the mean of those that took longer; undefined if none did. */
  left(elapsed: number): number | undefined {
    const longer = this.#times.filter((time) => time >= elapsed);
    if (longer.length === 0) return undefined;
    return longer.reduce((sum, time) => sum + time - elapsed, 0) / longer.length;
  }
}
