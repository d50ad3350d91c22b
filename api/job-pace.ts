import type { JobView } from '@image-pipeline/shared/jobs/job-view.ts';

/** Jobs that ended longer ago say nothing about now. */
const WINDOW_MS = 60_000;
/** Enough for a minute at any speed of ours; at more, the window is shorter. */
const MAX_ENDS = 10_000;

/** How fast jobs end, whichever worker ends them, by the newest ends that were heard of. */
export class JobPace {
  readonly #now: () => number;
  /** When each ended, in milliseconds since 1970, oldest first as far as they arrived in order. */
  #ends: number[] = [];

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  ended({ outcome }: Pick<JobView, 'outcome'>): void {
    if (outcome === undefined) return;
    this.#ends.push(Date.parse(outcome.finished_at));
    if (this.#ends.length > MAX_ENDS * 2) this.#ends = this.#ends.slice(-MAX_ENDS);
  }

  /** Jobs a second over the last minute, or since the first end in it; undefined where fewer than two ended. */
  get perSecond(): number | undefined {
    const now = this.#now();
    this.#ends = this.#ends.filter((end) => end > now - WINDOW_MS && end <= now);
    if (this.#ends.length < 2) return undefined;
    const first = this.#ends.reduce((earliest, end) => Math.min(earliest, end), now);
    return (this.#ends.length * 1_000) / Math.max(1_000, now - first);
  }

  /** How long until this many jobs have ended at the present pace, in seconds; undefined where none is known. */
  secondsFor(jobs: number): number | undefined {
    const pace = this.perSecond;
    return pace === undefined ? undefined : jobs / pace;
  }
}
