/** Recent entries in order of arrival. Bounded: beyond the capacity, the oldest are dropped. */
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
    // Not for each entry, because that would copy the whole list.
    if (this.#entries.length >= this.#capacity * 2) this.#entries = this.#entries.slice(-this.#capacity);
  }

  /** Entries after `from`, up to and including `to`. */
  between(from: number, to: number): Entry[] {
    return this.#entries.filter((entry) => {
      const at = this.#timeOf(entry);
      return at > from && at <= to;
    });
  }

  /** Counts from the newest entry back to the first that is not after `from`. */
  countSince(from: number, counts: (entry: Entry) => boolean): number {
    let found = 0;
    for (let index = this.#entries.length - 1; index >= 0; index--) {
      const entry = this.#entries[index];
      if (entry === undefined || this.#timeOf(entry) <= from) break;
      if (counts(entry)) found++;
    }
    return found;
  }

  dropBefore(time: number): void {
    this.#entries = this.#entries.filter((entry) => this.#timeOf(entry) >= time);
  }
}
