import type { JobEvent } from '@image-pipeline/shared/contracts/event.ts';
import type { Peaks, Totals } from '@image-pipeline/shared/contracts/snapshot.ts';
import type { RunChange } from '../runs/run-tracker.ts';
import type { DurableState, Mark } from './durable-state.ts';

/**
 * Counts every event of the log once, across restarts: the stored totals include all events up to the mark of the stored
 * state. Those events are read again to find the open runs, and counted separately: if the event at the mark is another one
 * or missing, the log was recreated meanwhile, and the separate count belongs to the totals.
 */
export class DurableTotals {
  #totals: Totals;
  #mark: Mark | undefined;
  /** The mark of the stored totals, until it has been passed. */
  #storedMark: Mark | undefined;
  #replayed: Totals = noTotals;

  constructor(state: DurableState | undefined) {
    this.#totals = state?.totals ?? noTotals;
    this.#mark = state?.mark ?? undefined;
    this.#storedMark = this.#mark;
  }

  /**
   * @param change what the event changed, if anything
   * @param open number of open runs after it
   * @returns whether it was counted for the first time
   */
  count(event: JobEvent, offset: number, change: RunChange | undefined, open: number): boolean {
    if (this.#storedMark !== undefined && offset > this.#storedMark.offset) {
      this.onMarkMissing(open - Number(change?.accepted === true) + Number(change?.ended !== undefined));
    }
    if (this.#storedMark === undefined) {
      if (change !== undefined) this.#totals = countChange(this.#totals, change, event.time);
      this.#mark = { offset, event_id: event.id };
      return true;
    }
    if (offset === this.#storedMark.offset && event.id === this.#storedMark.event_id) {
      this.#storedMark = undefined;
      this.#replayed = noTotals;
    } else if (change !== undefined) {
      this.#replayed = countChange(this.#replayed, change, event.time);
    }
    return false;
  }

  /**
   * The log has been read to its end, or was recreated, without the mark.
   * @param open number of runs known to be open. Other counted runs cannot be recognised, so they are counted again when
   * their events arrive.
   */
  onMarkMissing(open: number): void {
    if (this.#storedMark === undefined) return;
    const { completed, failed, ...others } = addTotals(this.#totals, this.#replayed);
    this.#totals = { ...others, accepted: completed + failed + open, completed, failed };
    this.#replayed = noTotals;
    this.#storedMark = undefined;
  }

  /** Whether the event at the stored mark has not been read again yet. */
  get isRereading(): boolean {
    return this.#storedMark !== undefined;
  }

  get totals(): Totals {
    return this.#totals;
  }

  /** The last counted event. */
  get mark(): Mark | undefined {
    return this.#mark;
  }
}

export const noTotals: Totals = {
  accepted: 0,
  completed: 0,
  failed: 0,
  retried: 0,
  redelivered: 0,
  failed_by_code: {},
  since: null,
};

/** The totals after one more change. @param at RFC 3339 */
function countChange(
  totals: Totals,
  { accepted, retried, redelivered, ended }: RunChange,
  at: string,
): Totals {
  const code = ended?.state === 'failed' ? ended.error.code : undefined;
  const { failed_by_code: codes } = totals;
  return {
    accepted: totals.accepted + Number(accepted),
    completed: totals.completed + Number(ended?.state === 'completed'),
    failed: totals.failed + Number(code !== undefined),
    retried: totals.retried + Number(retried),
    redelivered: totals.redelivered + Number(redelivered),
    failed_by_code: code === undefined ? codes : { ...codes, [code]: (codes[code] ?? 0) + 1 },
    since: totals.since ?? at,
  };
}

function addTotals(one: Totals, other: Totals): Totals {
  const codes = { ...one.failed_by_code };
  for (const [code, count] of Object.entries(other.failed_by_code)) codes[code] = (codes[code] ?? 0) + count;
  return {
    accepted: one.accepted + other.accepted,
    completed: one.completed + other.completed,
    failed: one.failed + other.failed,
    retried: one.retried + other.retried,
    redelivered: one.redelivered + other.redelivered,
    failed_by_code: codes,
    since: one.since ?? other.since,
  };
}

export const noPeaks: Peaks = {
  waiting: { value: 0, at: null },
  processing: { value: 0, at: null },
  throughput_1m: { value: 0, at: null },
  workers: { value: 0, at: null },
};

/** The peaks including these values; the same object if none is higher. @param at milliseconds since 1970 */
export function raisePeaks(
  peaks: Peaks,
  seen: Readonly<Partial<Record<keyof Peaks, number>>>,
  at: number,
): Peaks {
  let raised = peaks;
  for (const name of ['waiting', 'processing', 'throughput_1m', 'workers'] as const) {
    const value = seen[name];
    if (value === undefined || value <= raised[name].value) continue;
    raised = { ...raised, [name]: { value, at: new Date(at).toISOString() } };
  }
  return raised;
}
