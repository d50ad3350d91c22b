/** How many of the newest images decide what is slow. */
const SAMPLES = 20;
const TIMES_MEDIAN = 10;
/** An image that is decoded within this time is not slow. */
const MIN_SLOW_MS = 1_000;
/** An image is slow if processing it is estimated to take longer. */
export const SLOW_ESTIMATE_MS = 1_000;
/** An image that is estimated to be processed within this time does not take longer than most. */
const MIN_LONG_MS = 250;
/** How long an image can be in the lane: the default of JOB_TIMEOUT_MS. */
const OCCUPIED_MS = 30_000;
/** How late a postponed job can be. */
const LATE_MS = 5_000;

/**
 * A worker processes one slow image at a time, so that its other slots stay free for ordinary ones. An image is slow if it
 * takes much longer to decode than the newest others or is estimated to take long, or if an earlier attempt at its job
 * exceeded a limit or made way.
 */
export class SlowLane {
  /** The attempt that is in the lane. */
  #attempt: string | undefined;
  /** By the monotonic clock, in milliseconds. */
  #reservation = { from: 0, until: 0 };
  readonly #decodingTimes = new NewestSamples();
  readonly #estimates = new NewestSamples();

  get isFree(): boolean {
    return this.#attempt === undefined;
  }

  /**
   * Whether the attempt is in the lane now: false while another one is, or while the lane is reserved.
   * @param options.isReserved whether it is reserved for such an attempt
   */
  enter(attempt: string, { isReserved = false } = {}): boolean {
    if (isReserved) this.#reservation = { from: 0, until: 0 };
    const { from, until } = this.#reservation;
    const now = performance.now();
    if (now < from || now >= until) this.#attempt ??= attempt;
    return this.#attempt === attempt;
  }

  /**
   * For a job that found the lane taken: images that turn out to be slow cannot take it again and again. They can until
   * one of them might still be in the lane when the job returns. Of several reservations, the first to begin counts.
   * @param milliseconds after which the job returns
   */
  reserveIn(milliseconds: number): void {
    const now = performance.now();
    const from = now + Math.max(0, milliseconds - OCCUPIED_MS);
    const isReserved = now < this.#reservation.until;
    if (isReserved && this.#reservation.from <= from) return;
    this.#reservation = { from, until: now + milliseconds + LATE_MS };
  }

  /** Does nothing if the attempt is not in the lane. */
  leave(attempt: string): void {
    if (this.#attempt === attempt) this.#attempt = undefined;
  }

  /** An image was decoded in so many milliseconds. */
  decoded(milliseconds: number): void {
    this.#decodingTimes.add(milliseconds);
  }

  /** Processing an image was estimated to take so many milliseconds. */
  estimated(milliseconds: number): void {
    this.#estimates.add(milliseconds);
  }

  /** After so many milliseconds, an image that is still being decoded is slow. Infinity before the first image. */
  get slowAfterMs(): number {
    return Math.max(MIN_SLOW_MS, TIMES_MEDIAN * this.#decodingTimes.median);
  }

  /** An image that is estimated to take more milliseconds takes longer than most. */
  get longEstimateMs(): number {
    return Math.min(SLOW_ESTIMATE_MS, Math.max(MIN_LONG_MS, TIMES_MEDIAN * this.#estimates.median));
  }
}

class NewestSamples {
  readonly #samples: number[] = [];

  add(sample: number): void {
    this.#samples.push(sample);
    if (this.#samples.length > SAMPLES) this.#samples.shift();
  }

  /** Infinity without samples. */
  get median(): number {
    const sorted = this.#samples.toSorted((one, other) => one - other);
    return sorted[Math.floor(sorted.length / 2)] ?? Infinity;
  }
}
