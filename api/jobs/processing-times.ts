import type { Outcome } from '@image-pipeline/shared/contracts/outcome.ts';

/** Enough for a mean, few enough to follow when other images come. */
const NEWEST = 100;

/** How long workers had a job in hand, of the newest that ended; in seconds. */
export class WorkTimes {
  readonly #times: number[] = [];

  ended({ timeline, attempt, finished_at }: Outcome): void {
    const started = timeline.findLast((hop) => hop.state === 'processing' && hop.attempt === attempt);
    if (started === undefined) return;
    this.#times.push(Math.max(0, Date.parse(finished_at) - Date.parse(started.at)) / 1_000);
    if (this.#times.length > NEWEST) this.#times.shift();
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
