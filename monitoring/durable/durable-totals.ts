import type { JobEvent } from '@image-pipeline/shared/contracts/event.ts';
import type { Totals } from '@image-pipeline/shared/contracts/snapshot.ts';
import type { RunChange } from '../events/run-tracker.ts';
import type { DurableState, Mark } from './durable-state.ts';

/**
 * Counts every event of the log once, over restarts: what lies up to the mark of the stored state is in the stored totals.
 * It is read again all the same, to know the open runs, and counted apart: if the event at the mark turns out to be
 * another one, or missing, the log was made anew meanwhile, and what was counted apart belongs to the totals.
 */
export class DurableTotals {
  #totals: Totals;
  #mark: Mark | undefined;
  /** The mark that the stored totals count up to, until it has been passed. */
  #behind: Mark | undefined;
  #apart: Totals = noTotals;

  constructor(state: DurableState | undefined) {
    this.#totals = state?.totals ?? noTotals;
    this.#mark = state?.mark ?? undefined;
    this.#behind = this.#mark;
  }

  /**
   * @param change what the event changed, if anything
   * @param open how many runs are open after it
   * Returns whether it was counted now, for the first time.
   */
  count(event: JobEvent, offset: number, change: RunChange | undefined, open: number): boolean {
    if (this.#behind !== undefined && offset > this.#behind.offset) {
      this.markIsMissing(open - Number(change?.accepted === true) + Number(change?.ended !== undefined));
    }
    if (this.#behind === undefined) {
      if (change !== undefined) this.#totals = countChange(this.#totals, change, event.time);
      this.#mark = { offset, event_id: event.id };
      return true;
    }
    if (offset === this.#behind.offset && event.id === this.#behind.event_id) {
      this.#behind = undefined;
      this.#apart = noTotals;
    } else if (change !== undefined) {
      this.#apart = countChange(this.#apart, change, event.time);
    }
    return false;
  }

  /**
   * The log has been read to its end, or was made anew, and the mark did not come by.
   * @param open how many runs are known to be open; of others nobody will ever know that they were counted, so they are
   * counted anew when they come by
   */
  markIsMissing(open: number): void {
    if (this.#behind === undefined) return;
    const { completed, failed, ...others } = addTotals(this.#totals, this.#apart);
    this.#totals = { ...others, accepted: completed + failed + open, completed, failed };
    this.#apart = noTotals;
    this.#behind = undefined;
  }

  get totals(): Totals {
    return this.#totals;
  }

  /** Everything up to here is counted. */
  get mark(): Mark | undefined {
    return this.#mark;
  }
}

export const noTotals: Totals = {
  accepted: 0,
  completed: 0,
  failed: 0,
  retried: 0,
  failed_by_code: {},
  since: null,
};

/** The totals after one more change. @param at RFC 3339 */
export function countChange(totals: Totals, { accepted, retried, ended }: RunChange, at: string): Totals {
  const code = ended?.state === 'failed' ? ended.error.code : undefined;
  const { failed_by_code: codes } = totals;
  return {
    accepted: totals.accepted + Number(accepted),
    completed: totals.completed + Number(ended?.state === 'completed'),
    failed: totals.failed + Number(code !== undefined),
    retried: totals.retried + Number(retried),
    failed_by_code: code === undefined ? codes : { ...codes, [code]: (codes[code] ?? 0) + 1 },
    since: totals.since ?? at,
  };
}

export function addTotals(one: Totals, other: Totals): Totals {
  const codes = { ...one.failed_by_code };
  for (const [code, count] of Object.entries(other.failed_by_code)) codes[code] = (codes[code] ?? 0) + count;
  return {
    accepted: one.accepted + other.accepted,
    completed: one.completed + other.completed,
    failed: one.failed + other.failed,
    retried: one.retried + other.retried,
    failed_by_code: codes,
    since: one.since ?? other.since,
  };
}
