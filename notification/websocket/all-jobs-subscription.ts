import { ALL_JOBS, resetReasons, type ResetReason } from '@image-pipeline/shared/contracts/websocket.ts';
import type { EventRing, RingEntry } from './event-ring.ts';
import { encode, type Frame, type Subscriber } from './subscriber.ts';

/** Bytes queued at once for a client that catches up; more follow when they have been written to its connection. */
const PORTION_BYTES = 32 * 1024;
/**
 * A client that is behind by less gets all of it at once: many that share an address, and its turns, would otherwise fall
 * behind while they wait for the next one.
 */
const LAST_PORTION_BYTES = 256 * 1024;

export interface AllJobsSubscriptionOptions {
  readonly subscriber: Subscriber;
  /** The newest jobs. */
  readonly currentState: () => Frame;
  readonly ring: Pick<EventRing, 'find' | 'after' | 'newest'>;
  /** Whether the subscriber also has a subscription to this job alone. */
  readonly isWatched: (jobId: string) => boolean;
  readonly wantsPipelineStatus: boolean;
}

/**
 * Notifies one subscriber of all jobs: the newest ones, then every later event. A subscriber that resumes, or reads
 * more slowly than events arrive, catches up from the ring, so only one portion at a time is queued for it.
 */
export class AllJobsSubscription {
  readonly #options: AllJobsSubscriptionOptions;
  /** The catch-up in progress. */
  #catchingUp: object | undefined;
  /** While it catches up: the `endByte` of the last event sent, and how many bytes behind that it may be. */
  #sentByte = 0;
  #maxBehind = 0;

  constructor(options: AllJobsSubscriptionOptions) {
    this.#options = options;
  }

  get wantsPipelineStatus(): boolean {
    return this.#options.wantsPipelineStatus;
  }

  /** @param lastEventId the last event that the subscriber received: it gets later events, and no state */
  begin(lastEventId: string | undefined): void {
    if (lastEventId === undefined) {
      this.#sendCurrentState();
      return;
    }
    const last = this.#options.ring.find(lastEventId);
    if ('missing' in last) this.reset(last.missing);
    else void this.#catchUp(last);
  }

  /** Sends that events may have been missed, and the current state. */
  reset(reason: ResetReason): void {
    const { subscriber } = this.#options;
    subscriber.send(encode({ type: 'reset', job_id: ALL_JOBS, reason, message: resetReasons[reason] }));
    this.#sendCurrentState();
  }

  /** Sends a new event. A subscriber that is catching up gets it from the ring. */
  offer(entry: RingEntry): void {
    const { subscriber } = this.#options;
    if (this.#catchingUp !== undefined) {
      if (entry.endByte - this.#sentByte > this.#maxBehind) subscriber.cutSlowReader();
    } else if (subscriber.hasBacklog) {
      const { sequence, endByte, frame } = entry;
      void this.#catchUp({ sequence: sequence - 1, endByte: endByte - frame.data.length });
    } else {
      this.#pass(entry);
    }
  }

  end(): void {
    this.#catchingUp = undefined;
  }

  #pass(entry: RingEntry): void {
    const { subscriber, isWatched } = this.#options;
    if (!isWatched(entry.jobId)) subscriber.send(entry.frame);
  }

  #sendCurrentState(): void {
    this.end();
    this.#options.subscriber.send(this.#options.currentState());
  }

  /** Sends the events after `last` as fast as the client reads: there may be tens of thousands. */
  async #catchUp(last: Pick<RingEntry, 'sequence' | 'endByte'>): Promise<void> {
    const { subscriber, ring } = this.#options;
    const own = {};
    this.#catchingUp = own;
    this.#sentByte = last.endByte;
    this.#maxBehind = (ring.newest?.endByte ?? last.endByte) - last.endByte + subscriber.maxUnsentBytes;
    let { sequence } = last;
    for (;;) {
      await subscriber.nextTurn();
      if (this.#catchingUp !== own) return;
      const behind = (ring.newest?.endByte ?? 0) - this.#sentByte;
      const portion = ring.after(sequence, behind > LAST_PORTION_BYTES ? PORTION_BYTES : LAST_PORTION_BYTES);
      if (portion === undefined) {
        subscriber.cutSlowReader();
        return;
      }
      for (const entry of portion) this.#pass(entry);
      const newest = portion.at(-1);
      if (newest === undefined || newest === ring.newest) {
        this.end();
        return;
      }
      sequence = newest.sequence;
      this.#sentByte = newest.endByte;
    }
  }
}
