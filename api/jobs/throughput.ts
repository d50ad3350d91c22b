import type { Outcome } from '@image-pipeline/shared/contracts/outcome.ts';

/** What ended longer ago says nothing about now. */
const WINDOW_MS = 60_000;
/** Few enough to follow when workers come or go, or other images. */
const NEWEST = 20;
/** Fewer tell too little. */
const MIN_ENDS = 5;

/**
 * How fast jobs end while others wait, whichever worker ends them. While none waits, jobs end as fast as they come, which
 * says nothing about how fast they could.
 */
export class Throughput {
  readonly #now: () => number;
  /** When the newest and the one before them ended, in milliseconds since 1970, oldest first. */
  #endTimes: number[] = [];
  #waitingSince: number | undefined;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  ended({ finished_at }: Pick<Outcome, 'finished_at'>): void {
    const end = Math.min(Date.parse(finished_at), this.#now());
    this.#endTimes = [...this.#endTimes, end].sort((one, other) => one - other).slice(-NEWEST - 1);
  }

  /** @param at when it was seen that jobs wait, or that none does, in milliseconds since 1970 */
  queueObserved(isWaiting: boolean, at: number): void {
    this.#waitingSince = isWaiting ? (this.#waitingSince ?? at) : undefined;
  }

  clear(): void {
    this.#endTimes = [];
    this.#waitingSince = undefined;
  }

  /** Jobs a second, by the newest that ended while others waited; undefined where too few did in the last minute. */
  get perSecond(): number | undefined {
    const now = this.#now();
    const since = Math.max(this.#waitingSince ?? now, now - WINDOW_MS);
    const [first = since, ...others] = this.#endTimes.filter((end) => end > since);
    // The oldest of them only marks the beginning where all of them count.
    const [begin, endTimes] = others.length === NEWEST ? [first, NEWEST] : [since, others.length + 1];
    return endTimes < MIN_ENDS ? undefined : (endTimes * 1_000) / Math.max(1, now - begin);
  }
}

/** Enough for a mean, few enough to follow when other images come. */
const NEWEST_TIMES = 100;

/** How long workers had a job in hand, of the newest that ended; in seconds. */
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

  /** Undefined where none has ended. */
  get mean(): number | undefined {
    return this.left(0);
  }

  /** What a job still needs that is in hand for `elapsed`: the mean of those that took longer; undefined if none did. */
  left(elapsed: number): number | undefined {
    const longer = this.#times.filter((time) => time >= elapsed);
    if (longer.length === 0) return undefined;
    return longer.reduce((sum, time) => sum + time - elapsed, 0) / longer.length;
  }
}
