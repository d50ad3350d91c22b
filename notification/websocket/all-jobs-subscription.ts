import {
  ALL_JOBS,
  LISTED_JOBS,
  resetReasons,
  type ResetReason,
} from '@image-pipeline/shared/contracts/websocket.ts';
import type { LiveView } from '@image-pipeline/shared/jobs/live-view.ts';
import type { EventRing, RingEntry } from './event-ring.ts';
import { allJobsStateMessage, encode, type Subscriber } from './subscriber.ts';

/** Bytes sent at once to a client that resumes; more follow when they have been written to its connection. */
const PORTION_BYTES = 128 * 1024;

export interface AllJobsSubscriptionOptions {
  readonly subscriber: Subscriber;
  readonly live: Pick<LiveView, 'list'>;
  readonly ring: Pick<EventRing, 'find' | 'after' | 'newest'>;
  /** Whether the subscriber also has a subscription to this job alone. */
  readonly isWatched: (jobId: string) => boolean;
  readonly wantsPipelineStatus: boolean;
}

/** Notifies one subscriber of all jobs: the newest ones, then every later event. */
export class AllJobsSubscription {
  readonly #options: AllJobsSubscriptionOptions;
  readonly #resuming = new AbortController();
  #isResuming = false;

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
    else void this.#resume(last.sequence);
  }

  /** Sends that events may have been missed, and the current state. */
  reset(reason: ResetReason): void {
    const { subscriber } = this.#options;
    subscriber.send(encode({ type: 'reset', job_id: ALL_JOBS, reason, message: resetReasons[reason] }));
    this.#sendCurrentState();
  }

  /** Sends a new event. A subscriber that is still resuming gets it from the ring. */
  offer(entry: RingEntry): void {
    if (!this.#isResuming) this.#pass(entry);
  }

  end(): void {
    this.#resuming.abort();
  }

  #pass(entry: RingEntry): void {
    const { subscriber, isWatched } = this.#options;
    if (!isWatched(entry.jobId)) subscriber.send(entry.frame);
  }

  #sendCurrentState(): void {
    const { subscriber, live, ring } = this.#options;
    this.#resuming.abort();
    this.#isResuming = false;
    const { jobs } = live.list({ limit: LISTED_JOBS });
    subscriber.send(encode(allJobsStateMessage(jobs, ring.newest?.eventId)));
  }

  /** There may be tens of thousands of events: sent as fast as the client reads, and in bounded memory. */
  async #resume(last: number): Promise<void> {
    const { subscriber, ring } = this.#options;
    const { signal } = this.#resuming;
    this.#isResuming = true;
    while (!signal.aborted) {
      const portion = ring.after(last, PORTION_BYTES);
      if (portion === undefined) {
        subscriber.cutSlowReader();
        return;
      }
      const newest = portion.at(-1);
      if (newest === undefined) {
        this.#isResuming = false;
        return;
      }
      for (const entry of portion) this.#pass(entry);
      last = newest.sequence;
      await subscriber.flushed();
    }
  }
}
