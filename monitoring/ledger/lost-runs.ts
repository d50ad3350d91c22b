import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import type { Snapshot, Totals } from '@image-pipeline/shared/contracts/snapshot.ts';
import type { SampledQueue } from '../management/sample-broker.ts';
import { holdsWaitingJobs, MOVE_SETTLES_MS } from '../runs/open-runs.ts';

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
   * @param count the result of the last process, which is kept until this one has sampled for long enough
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

  /** At least this many runs were lost in every sample of the last while, the newest included. */
  get certain(): number {
    return Math.min(this.#count, this.#bounds.at(-1)?.lost ?? 0);
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

  /** RabbitMQ cannot be sampled, or events are not up to date: keeps the count; sampling starts over afterwards. */
  interrupt(): void {
    this.#since = undefined;
    this.#lows = [];
    this.#bounds = [];
    this.#lowest = Infinity;
  }
}

/**
 * The state of every accepted run. The counts survive restarts.
 * @param unaccounted number of runs that have not ended and are in no queue
 */
export function ledgerOf(
  { accepted, completed, failed }: Totals,
  unaccounted: number,
  queues: readonly SampledQueue[] | undefined,
): NonNullable<Snapshot['ledger']> {
  const open = Math.max(0, accepted - completed - failed - unaccounted);
  return { accepted, completed, failed, open, in_broker: jobsInBroker(queues) ?? null, unaccounted };
}

/**
 * Messages of jobs in RabbitMQ: waiting, unacknowledged, or on their way to the next queue or to the DLQ recorder.
 * Undefined if RabbitMQ does not report one of these queues, as in the first seconds after its start.
 */
export function jobsInBroker(queues: readonly SampledQueue[] | undefined): number | undefined {
  const own = queues?.filter(({ metrics }) => holdsJobs(metrics.name));
  if (own === undefined || own.length === 0) return undefined;
  let sum = 0;
  for (const { held } of own) {
    if (held === null) return undefined;
    sum += held;
  }
  return sum;
}

function holdsJobs(queue: string): boolean {
  return holdsWaitingJobs(queue) || queue === queueNames.deadRecorder;
}
