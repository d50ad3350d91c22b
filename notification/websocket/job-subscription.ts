import type { JobEvent } from '@image-pipeline/shared/contracts/event.ts';
import {
  resetReasons,
  socketErrors,
  type ResetReason,
  type SocketErrorCode,
} from '@image-pipeline/shared/contracts/websocket.ts';
import { StoreUnavailable } from '@image-pipeline/shared/errors.ts';
import { FairSlots } from '@image-pipeline/shared/fair-slots.ts';
import { applyEvent, type JobView } from '@image-pipeline/shared/jobs/job-view.ts';
import type { LiveView } from '@image-pipeline/shared/jobs/live-view.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import { waitForStore } from '@image-pipeline/shared/store/wait-for-store.ts';
import { NOWHERE, placeOfView } from './event-order.ts';
import type { EventRing, RingEntry } from './event-ring.ts';
import { encode, jobStateMessage, type Subscriber } from './subscriber.ts';

export interface JobSubscriptionOptions {
  readonly jobId: string;
  readonly subscriber: Subscriber;
  readonly live: Pick<LiveView, 'get'>;
  readonly ring: Pick<EventRing, 'find' | 'ofJob' | 'newest'>;
  readonly stored: Pick<StoredJobs, 'find'>;
}

/** Notifies one subscriber of one job: its current state, then every later event once, in the order of a job's life. */
export class JobSubscription {
  readonly #options: JobSubscriptionOptions;
  /** The place of the last event that was sent. */
  #place = NOWHERE;
  /** Events that arrive while the state is read from the store; undefined once the state has been sent. */
  #held: JobEvent[] | undefined;
  #reading: AbortController | undefined;

  constructor(options: JobSubscriptionOptions) {
    this.#options = options;
  }

  /** @param lastEventId the last event that the subscriber received: it gets later events, and no state */
  begin(lastEventId: string | undefined): void {
    if (lastEventId === undefined) {
      this.#sendCurrentState();
      return;
    }
    const { ring, jobId } = this.#options;
    const last = ring.find(lastEventId);
    if ('missing' in last) {
      this.reset(last.missing);
      return;
    }
    for (const entry of ring.ofJob(jobId)) {
      if (entry.sequence <= last.sequence) this.#place = entry.place;
      else this.#pass(entry);
    }
  }

  /** Sends that events may have been missed, and the current state. */
  reset(reason: ResetReason): void {
    const { jobId, subscriber } = this.#options;
    subscriber.send(encode({ type: 'reset', job_id: jobId, reason, message: resetReasons[reason] }));
    this.#place = NOWHERE;
    this.#sendCurrentState();
  }

  /** Sends a new event of the job. */
  offer(event: JobEvent, entry: RingEntry): void {
    if (this.#held === undefined) this.#pass(entry);
    else this.#held.push(event);
  }

  end(): void {
    this.#reading?.abort();
  }

  #pass(entry: RingEntry): void {
    if (entry.place <= this.#place) return;
    this.#place = entry.place;
    this.#options.subscriber.send(entry.frame);
  }

  #sendCurrentState(): void {
    this.#reading?.abort();
    this.#reading = undefined;
    this.#held = undefined;
    const view = this.#options.live.get(this.#options.jobId);
    if (view === undefined) void this.#sendStoredState();
    else this.#sendState(view);
  }

  /** Events that arrive while the store is read become part of the state. */
  async #sendStoredState(): Promise<void> {
    const { jobId, stored, subscriber } = this.#options;
    const held: JobEvent[] = [];
    this.#held = held;
    const reading = new AbortController();
    this.#reading = reading;
    const { signal } = reading;
    let view: JobView | undefined;
    let isReadable = true;
    try {
      view = await stored.find(
        jobId,
        subscriber,
        signal,
        once(() => this.#sendError('store_unavailable')),
      );
    } catch {
      isReadable = false;
    }
    if (signal.aborted) return;
    this.#reading = undefined;
    this.#held = undefined;
    view = held.reduce<JobView | undefined>(applyEvent, view);
    if (isReadable || view !== undefined) this.#sendState(view);
    else this.#sendError('internal_error');
  }

  #sendState(view: JobView | undefined): void {
    const { jobId, subscriber, ring } = this.#options;
    this.#place = placeOfView(view);
    subscriber.send(encode(jobStateMessage(jobId, view, ring.newest?.eventId)));
  }

  #sendError(code: SocketErrorCode): void {
    const { jobId, subscriber } = this.#options;
    subscriber.send(encode({ type: 'error', code, message: socketErrors[code], job_id: jobId }));
  }
}

function once(act: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    act();
  };
}

export interface StoredJobsOptions {
  /** @throws StoreUnavailable */
  readonly find: (jobId: string) => Promise<JobView | undefined>;
  /** Maximum concurrent reads. */
  readonly concurrency: number;
  readonly log: Logger;
}

/**
 * Reads jobs from the store that are not in memory. Subscribers take turns, so that one that subscribes to thousands of
 * jobs does not delay others. While the store is unavailable, only the reads that have a slot are retried.
 */
export class StoredJobs {
  readonly #options: StoredJobsOptions;
  readonly #slots: FairSlots<Subscriber>;
  /** Those that wait for a job. */
  readonly #waiting = new Set<() => void>();

  constructor(options: StoredJobsOptions) {
    this.#options = options;
    const slots = options.concurrency;
    // A subscriber has a limited number of subscriptions.
    this.#slots = new FairSlots({ slots, perCaller: Math.ceil(slots / 4), maxWaiting: Infinity });
  }

  /**
   * The job, or undefined if no job with this id was accepted. Retries while the store is unavailable, until `signal`
   * aborts.
   * @param onUnavailable called each time the store turns out to be unavailable
   */
  async find(
    jobId: string,
    subscriber: Subscriber,
    signal: AbortSignal,
    onUnavailable: () => void,
  ): Promise<JobView | undefined> {
    const { find, log } = this.#options;
    this.#waiting.add(onUnavailable);
    const slot = this.#slots.takeFree(subscriber) ?? (await this.#slots.acquire(subscriber, signal));
    try {
      if (typeof slot === 'string') throw new Error('the subscription has ended');
      const read = async () => {
        try {
          return await find(jobId);
        } catch (error) {
          if (error instanceof StoreUnavailable) for (const notify of this.#waiting) notify();
          throw error;
        }
      };
      return await waitForStore(read, signal, log.child({ job_id: jobId }));
    } finally {
      this.#waiting.delete(onUnavailable);
      if (typeof slot !== 'string') slot();
    }
  }
}
