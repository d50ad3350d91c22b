/** Far more than may wait by default; beyond it, those who came first are no longer counted. */
const MAX_PLACES = 100_000;

interface Place {
  readonly jobId: string;
  /** Milliseconds since 1970; in the future while the job waits on a rung of the retry ladder. */
  readonly entersAt: number;
}

/** Jobs that wait for a worker, by the time at which each entered the queue or will enter it. */
export class WaitingLine {
  /** In order. */
  readonly #places: Place[] = [];
  readonly #entersAt = new Map<string, number>();

  enter(place: Place): void {
    this.leave(place.jobId);
    this.#places.splice(this.#indexOf(place), 0, place);
    this.#entersAt.set(place.jobId, place.entersAt);
    if (this.#places.length > MAX_PLACES) this.#entersAt.delete(this.#places.shift()?.jobId ?? '');
  }

  leave(jobId: string): void {
    const entersAt = this.#entersAt.get(jobId);
    if (entersAt === undefined) return;
    this.#places.splice(this.#indexOf({ jobId, entersAt }), 1);
    this.#entersAt.delete(jobId);
  }

  /** How many jobs are served before this one; undefined where it does not wait. */
  ahead(jobId: string): number | undefined {
    const entersAt = this.#entersAt.get(jobId);
    return entersAt === undefined ? undefined : this.#indexOf({ jobId, entersAt });
  }

  /** How many have entered by this time, in milliseconds since 1970. */
  enteredBy(time: number): number {
    return this.#indexOf({ jobId: '', entersAt: time + 1 });
  }

  clear(): void {
    this.#places.length = 0;
    this.#entersAt.clear();
  }

  /** Where this place is, or would be. */
  #indexOf(place: Place): number {
    let [from, to] = [0, this.#places.length];
    while (from < to) {
      const middle = (from + to) >>> 1;
      const other = this.#places[middle];
      if (other !== undefined && isBefore(other, place)) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}

/** Ids are in the order of their making. */
function isBefore(one: Place, other: Place): boolean {
  return one.entersAt < other.entersAt || (one.entersAt === other.entersAt && one.jobId < other.jobId);
}
