/** The decoding times that the newest images took decide what is slow. */
const SAMPLES = 20;
const TIMES_MEDIAN = 10;
const MIN_SLOW_MS = 1_000;

/**
 * A worker processes one slow image at a time, so that its other slots stay free for ordinary ones. An image is slow if it
 * takes much longer to decode than the newest others, or if an earlier attempt at its job exceeded a limit or made way.
 */
export class SlowLane {
  /** The attempt that is in the lane. */
  #attempt: string | undefined;
  /** By the monotonic clock, in milliseconds. */
  #reservedUntil = 0;
  /** Milliseconds, newest last. */
  readonly #decodingTimes: number[] = [];

  get isFree(): boolean {
    return this.#attempt === undefined;
  }

  /**
   * Whether the attempt is in the lane now: false while another one is, or while the lane is reserved.
   * @param options.isReserved whether it is reserved for such an attempt
   */
  enter(attempt: string, { isReserved = false } = {}): boolean {
    if (isReserved) this.#reservedUntil = 0;
    if (performance.now() >= this.#reservedUntil) this.#attempt ??= attempt;
    return this.#attempt === attempt;
  }

  /** For a job that found the lane taken: images that turn out to be slow meanwhile cannot take it again and again. */
  reserveFor(milliseconds: number): void {
    this.#reservedUntil = performance.now() + milliseconds;
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
