/**
 * A token bucket: `burst` messages at once, and one more every `1000 / perSecond` ms.
 * @see https://en.wikipedia.org/wiki/Token_bucket
 */
export class MessageBudget {
  readonly #burst: number;
  readonly #perSecond: number;
  #left: number;
  /** Milliseconds of a monotonic clock. */
  #filledAt: number;

  constructor(options: { readonly burst: number; readonly perSecond: number }, now: number) {
    this.#burst = options.burst;
    this.#perSecond = options.perSecond;
    this.#left = options.burst;
    this.#filledAt = now;
  }

  /** Whether one more message is allowed now. */
  take(now: number): boolean {
    const earned = ((now - this.#filledAt) / 1_000) * this.#perSecond;
    this.#left = Math.min(this.#burst, this.#left + earned);
    this.#filledAt = now;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
