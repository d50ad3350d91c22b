/** How many of the newest images decide what is usual. */
const SAMPLES = 20;
const TIMES_MEDIAN = 10;
/** An image that is decoded within this time is not slow. */
const MIN_SLOW_DECODING_MS = 1_000;
/** An image that is estimated to be processed within this time is not slow. */
const MIN_SLOW_ESTIMATE_MS = 250;
/** An image that is estimated to take longer is slow, whatever is usual. */
const MAX_USUAL_ESTIMATE_MS = 1_000;

/**
 * What the newest images of a worker took, and so which image is slow. The comparison keeps a batch of large images, or a busy
 * machine, from looking like an attack: then all take longer.
 */
export class UsualTimes {
  readonly #decodingTimes = new NewestSamples();
  readonly #estimates = new NewestSamples();

  /** An image was decoded in so many milliseconds. */
  decoded(milliseconds: number): void {
    this.#decodingTimes.add(milliseconds);
  }

  /** Processing an image was estimated to take so many milliseconds. */
  estimated(milliseconds: number): void {
    this.#estimates.add(milliseconds);
  }

  /** An image that is still being decoded after so many milliseconds is slow. Infinity before the first image. */
  get maxDecodingMs(): number {
    return Math.max(MIN_SLOW_DECODING_MS, TIMES_MEDIAN * this.#decodingTimes.median);
  }

  /** An image that is estimated to take more milliseconds is slow. */
  get maxEstimateMs(): number {
    const unusual = Math.max(MIN_SLOW_ESTIMATE_MS, TIMES_MEDIAN * this.#estimates.median);
    return Math.min(MAX_USUAL_ESTIMATE_MS, unusual);
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
