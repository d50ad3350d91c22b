import type { Outcome } from '@image-pipeline/shared/contracts/outcome.ts';

/** What ended longer ago says nothing about now. */
const WINDOW_MS = 60_000;
/** Enough for a minute at any speed of ours; at more, the window is shorter. */
const MAX_ENDS = 10_000;
/** Fewer tell too little. */
const MIN_ENDS = 5;

/**
 * How fast jobs end while others wait, whichever worker ends them. While none waits, jobs end as fast as they come, which
 * says nothing about how fast they could.
 */
export class JobPace {
  readonly #now: () => number;
  /** When each ended, in milliseconds since 1970, oldest first as far as they arrived in order. */
  #ends: number[] = [];
  #waitingSince: number | undefined;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  ended({ finished_at }: Pick<Outcome, 'finished_at'>): void {
    this.#ends.push(Date.parse(finished_at));
    if (this.#ends.length > MAX_ENDS * 2) this.#ends = this.#ends.slice(-MAX_ENDS);
  }

  /** @param at when it was seen that jobs wait, or that none does, in milliseconds since 1970 */
  lineSeen(isWaiting: boolean, at: number): void {
    this.#waitingSince = isWaiting ? (this.#waitingSince ?? at) : undefined;
  }

  clear(): void {
    this.#ends = [];
    this.#waitingSince = undefined;
  }

  /** Jobs a second since jobs wait, over the last minute at most; undefined where too few have ended since. */
  get perSecond(): number | undefined {
    const now = this.#now();
    const since = Math.max(this.#waitingSince ?? now, now - WINDOW_MS);
    this.#ends = this.#ends.filter((end) => end > now - WINDOW_MS && end <= now);
    const ends = this.#ends.filter((end) => end > since).length;
    return ends < MIN_ENDS ? undefined : (ends * 1_000) / (now - since);
  }
}
