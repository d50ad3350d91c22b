import { attemptOf, type OpenRun } from '../events/run-tracker.ts';

/**
 * For so long after a message has moved, RabbitMQ's management may count it where it was, or nowhere: each queue tells of
 * itself every 5 s, and each at another moment.
 */
const MOVE_SETTLES_MS = 10_000;

/** What a look at RabbitMQ found, beside what events tell. */
export interface LookAtRuns {
  /** By a steady clock, in milliseconds. */
  readonly at: number;
  /** Runs that were accepted and have not ended. */
  readonly open: number;
  /** How many of them may just be on their way from one queue to another. */
  readonly moving: number;
  /** Messages of jobs that RabbitMQ holds. */
  readonly inBroker: number;
}

/**
 * How many open runs no queue holds. At one moment that is `open − inBroker`, but the two are never told of the same
 * moment. So each look gives a lower bound: the fewest runs that were open at any time since the figures of RabbitMQ may
 * have been taken, less those that were moving, less the messages. What that bound did not fall below for a while is lost.
 */
export class LostRuns {
  readonly #patienceMs: number;
  #count: number;
  #lowest = Infinity;
  /** The fewest open runs between a look and the one before. */
  #lows: { readonly at: number; readonly open: number }[] = [];
  #bounds: { readonly at: number; readonly lost: number }[] = [];
  #since: number | undefined;

  /**
   * @param patienceMs for how long nothing may be found of a run
   * @param count what the last process has found, which stands until this one has looked for long enough
   */
  constructor(patienceMs: number, count: number) {
    this.#patienceMs = patienceMs;
    this.#count = count;
  }

  get count(): number {
    return this.#count;
  }

  /** Whether something seems to be lost at the moment, which may pass. */
  get isSuspected(): boolean {
    return (this.#bounds.at(-1)?.lost ?? 0) > 0;
  }

  /** After each event: how many are open now. */
  note(open: number): void {
    this.#lowest = Math.min(this.#lowest, open);
  }

  look({ at, open, moving, inBroker }: LookAtRuns): void {
    this.#since ??= at;
    this.#lows = this.#lows.filter((low) => low.at >= at - MOVE_SETTLES_MS);
    this.#lows.push({ at, open: Math.min(this.#lowest, open) });
    this.#lowest = open;
    if (at - this.#since < MOVE_SETTLES_MS) return;
    const fewest = Math.min(...this.#lows.map((low) => low.open));
    const lost = Math.max(0, fewest - moving - inBroker);
    this.#bounds = this.#bounds.filter((bound) => bound.at >= at - this.#patienceMs);
    this.#bounds.push({ at, lost });
    const isLongEnough = at - this.#since >= MOVE_SETTLES_MS + this.#patienceMs;
    const smallest = Math.min(...this.#bounds.map((bound) => bound.lost));
    this.#count = isLongEnough ? smallest : Math.min(this.#count, smallest);
  }

  /** Nobody can look, or events do not come by: what was found stands, and is looked at anew afterwards. */
  interrupt(): void {
    this.#since = undefined;
    this.#lows = [];
    this.#bounds = [];
    this.#lowest = Infinity;
  }
}

/** Since when nothing has been due to happen to it; in the future where it waits on its rung. */
const silentSince = ({ since, retry_at }: OpenRun): number => retry_at ?? since;

/** How many may be on their way to a rung, or back from it. @param now milliseconds since 1970 */
export function countMoving(runs: Iterable<OpenRun>, now: number): number {
  let moving = 0;
  for (const run of runs) {
    const wasRetried = run.state === 'retrying' || attemptOf(run) > 1;
    const isRecent = (time: number) => Math.abs(now - time) < MOVE_SETTLES_MS;
    if (wasRetried && (isRecent(run.since) || isRecent(silentSince(run)))) moving++;
  }
  return moving;
}

/** Those that have been silent for longest first. */
export function bySilence(runs: Iterable<OpenRun>): OpenRun[] {
  return [...runs].sort((one, other) => silentSince(one) - silentSince(other));
}

/**
 * The runs without those that are lost. Counting does not tell which ones these are; queues are worked off in order, so
 * they are taken to be those of which nothing has been heard for longest.
 */
export function withoutLost(runs: Iterable<OpenRun>, lost: number): OpenRun[] {
  return lost === 0 ? [...runs] : bySilence(runs).slice(lost);
}
