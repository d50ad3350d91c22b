/** What happened lately, oldest first as far as it arrived in order. Bounded: at more, the oldest is forgotten. */
export class Recent<Entry> {
  readonly #capacity: number;
  readonly #timeOf: (entry: Entry) => number;
  #entries: Entry[] = [];

  /** @param timeOf in milliseconds since 1970 */
  constructor(capacity: number, timeOf: (entry: Entry) => number) {
    this.#capacity = capacity;
    this.#timeOf = timeOf;
  }

  add(entry: Entry): void {
    this.#entries.push(entry);
    // Not with each one, because that would copy the whole list.
    if (this.#entries.length >= this.#capacity * 2) this.#entries = this.#entries.slice(-this.#capacity);
  }

  /** Those after `from` and not after `to`. */
  between(from: number, to: number): Entry[] {
    return this.#entries.filter((entry) => {
      const at = this.#timeOf(entry);
      return at > from && at <= to;
    });
  }

  /** How many of the newest ones lie after `from`: stops at the first that does not. */
  countSince(from: number, counts: (entry: Entry) => boolean): number {
    let found = 0;
    for (let index = this.#entries.length - 1; index >= 0; index--) {
      const entry = this.#entries[index];
      if (entry === undefined || this.#timeOf(entry) <= from) break;
      if (counts(entry)) found++;
    }
    return found;
  }

  /** Lets go of what is older; what is left counts on. */
  forgetBefore(time: number): void {
    this.#entries = this.#entries.filter((entry) => this.#timeOf(entry) >= time);
  }
}
