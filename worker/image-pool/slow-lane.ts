/** The decoding times that the newest images took decide what is slow. */
const SAMPLES = 20;
const TIMES_MEDIAN = 10;
const MIN_SLOW_MS = 1_000;

/**
 * A worker processes one slow image at a time, so that its other slots stay free for ordinary ones. Slow are an image
 * that takes much longer to decode than the newest others, and every image of a job that exceeded its time or memory
 * limit before.
 */
export class SlowLane {
  /** The attempt that is in the lane. */
  #attempt: string | undefined;
  /** Milliseconds, newest last. */
  readonly #decodingTimes: number[] = [];

  /** Whether the attempt is in the lane now: false while another one is. */
  enter(attempt: string): boolean {
    this.#attempt ??= attempt;
    return this.#attempt === attempt;
  }

  /** Does nothing if the attempt is not in the lane. */
  leave(attempt: string): void {
    if (this.#attempt === attempt) this.#attempt = undefined;
  }

  /** An image was decoded in so many milliseconds. */
  decoded(milliseconds: number): void {
    this.#decodingTimes.push(milliseconds);
    if (this.#decodingTimes.length > SAMPLES) this.#decodingTimes.shift();
  }

  /** After so many milliseconds, an image that is still being decoded is slow. Infinity before the first image. */
  get slowAfterMs(): number {
    const times = this.#decodingTimes.toSorted((one, other) => one - other);
    const median = times[Math.floor(times.length / 2)] ?? Infinity;
    return Math.max(MIN_SLOW_MS, TIMES_MEDIAN * median);
  }
}
