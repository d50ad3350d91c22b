import { attemptOf, type OpenRun } from '../events/run-tracker.ts';

/**
 * For this long after a message has moved, the management API may count it in its old queue or nowhere: each queue reports
 * every 5 s, and each at another moment.
 */
const MOVE_SETTLES_MS = 10_000;

/** A sample of RabbitMQ together with the state from events. */
export interface RunSample {
  /** By the monotonic clock, in milliseconds. */
  readonly at: number;
  /** Accepted runs that have not ended. */
  readonly open: number;
  /** Of these, the number that may be in transit from one queue to another. */
  readonly moving: number;
  /** Messages of jobs in RabbitMQ. */
  readonly inBroker: number;
}

/**
 * Counts the open runs that are in no queue. At one moment that is `open − inBroker`, but the two never come from the same
 * moment. So each sample gives a lower bound: the fewest runs that were open at any time since RabbitMQ may have counted,
 * minus those in transit, minus the messages. The minimum of that bound over `unaccountedAfterMs` is lost.
 */
export class LostRuns {
  readonly #unaccountedAfterMs: number;
  #count: number;
  #lowest = Infinity;
  /** The fewest open runs between two samples. */
  #lows: { readonly at: number; readonly open: number }[] = [];
  #bounds: { readonly at: number; readonly lost: number }[] = [];
  #since: number | undefined;

  /**
   * @param unaccountedAfterMs how long a run must be missing before it counts as lost, in milliseconds
   * @param count the result of the last process, which stands until this one has sampled for long enough
   */
  constructor(unaccountedAfterMs: number, count: number) {
    this.#unaccountedAfterMs = unaccountedAfterMs;
    this.#count = count;
  }

  get count(): number {
    return this.#count;
  }

  /** Whether the newest sample suggests that something is lost, which may be temporary. */
  get isSuspected(): boolean {
    return (this.#bounds.at(-1)?.lost ?? 0) > 0;
  }

  /** After each event. @param open number of runs that are open now */
  note(open: number): void {
    this.#lowest = Math.min(this.#lowest, open);
  }

  onSample({ at, open, moving, inBroker }: RunSample): void {
    this.#since ??= at;
    this.#lows = this.#lows.filter((low) => low.at >= at - MOVE_SETTLES_MS);
    this.#lows.push({ at, open: Math.min(this.#lowest, open) });
    this.#lowest = open;
    if (at - this.#since < MOVE_SETTLES_MS) return;
    const fewest = Math.min(...this.#lows.map((low) => low.open));
    const lost = Math.max(0, fewest - moving - inBroker);
    this.#bounds = this.#bounds.filter((bound) => bound.at >= at - this.#unaccountedAfterMs);
    this.#bounds.push({ at, lost });
    const isLongEnough = at - this.#since >= MOVE_SETTLES_MS + this.#unaccountedAfterMs;
    const smallest = Math.min(...this.#bounds.map((bound) => bound.lost));
    this.#count = isLongEnough ? smallest : Math.min(this.#count, smallest);
  }

  /** RabbitMQ cannot be sampled, or events are not up to date: the count stands, and sampling starts over afterwards. */
  interrupt(): void {
    this.#since = undefined;
    this.#lows = [];
    this.#bounds = [];
    this.#lowest = Infinity;
  }
}

/** When the run was last active; in the future while it waits for its retry. */
const inactiveSince = ({ since, retry_at }: OpenRun): number => retry_at ?? since;

/** Number of runs that may be in transit to a retry queue or back. @param now milliseconds since 1970 */
export function countMoving(runs: Iterable<OpenRun>, now: number): number {
  let moving = 0;
  for (const run of runs) {
    const wasRetried = run.state === 'retrying' || attemptOf(run) > 1;
    const isRecent = (time: number) => Math.abs(now - time) < MOVE_SETTLES_MS;
    if (wasRetried && (isRecent(run.since) || isRecent(inactiveSince(run)))) moving++;
  }
  return moving;
}

/** Longest inactive first. */
export function byInactivity(runs: Iterable<OpenRun>): OpenRun[] {
  return [...runs].sort((one, other) => inactiveSince(one) - inactiveSince(other));
}

/**
 * The runs without the lost ones. Counting does not show which ones are lost; queues are consumed in order, so these are
 * assumed to be the longest inactive.
 */
export function withoutLost(runs: Iterable<OpenRun>, lost: number): OpenRun[] {
  return lost === 0 ? [...runs] : byInactivity(runs).slice(lost);
}
