import type { JobEvent } from '@image-pipeline/shared/contracts/event.ts';
import {
  resetReasons,
  socketErrors,
  type ResetReason,
  type SocketErrorCode,
} from '@image-pipeline/shared/contracts/websocket.ts';
import { StoreUnavailable } from '@image-pipeline/shared/errors.ts';
import { applyEvent, type JobView } from '@image-pipeline/shared/jobs/job-view.ts';
import type { LiveView } from '@image-pipeline/shared/jobs/live-view.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import { waitForStore } from '@image-pipeline/shared/store/wait-for-store.ts';
import PQueue from 'p-queue';
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
  #reading = new AbortController();

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
    this.#reading.abort();
  }

  #pass(entry: RingEntry): void {
    if (entry.place <= this.#place) return;
    this.#place = entry.place;
    this.#options.subscriber.send(entry.frame);
  }

  #sendCurrentState(): void {
    this.#reading.abort();
    this.#held = undefined;
    const view = this.#options.live.get(this.#options.jobId);
    if (view === undefined) void this.#sendStoredState();
    else this.#sendState(view);
  }

  /** Events that arrive while the store is read become part of the state. */
  async #sendStoredState(): Promise<void> {
    const { jobId, stored } = this.#options;
    const held: JobEvent[] = [];
    this.#held = held;
    this.#reading = new AbortController();
    const { signal } = this.#reading;
    let view: JobView | undefined;
    let isReadable = true;
    try {
      view = await stored.find(
        jobId,
        signal,
        once(() => this.#sendError('store_unavailable')),
      );
    } catch {
      isReadable = false;
    }
    if (signal.aborted) return;
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

/** Reads jobs from the store that are not in memory. */
export class StoredJobs {
  readonly #options: StoredJobsOptions;
  readonly #queue: PQueue;

  constructor(options: StoredJobsOptions) {
    this.#options = options;
    this.#queue = new PQueue({ concurrency: options.concurrency });
  }

  /**
   * The job, or undefined if no job with this id was accepted. Retries while the store is unavailable, until `signal`
   * aborts.
   * @param onUnavailable called before each retry
   */
  async find(jobId: string, signal: AbortSignal, onUnavailable: () => void): Promise<JobView | undefined> {
    const { find, log } = this.#options;
    const read = async () => {
      try {
        return await this.#queue.add(() => find(jobId), { signal });
      } catch (error) {
        if (error instanceof StoreUnavailable) onUnavailable();
        throw error;
      }
    };
    return waitForStore(read, signal, log.child({ job_id: jobId }));
  }
}
