import type { JobEvent } from '@image-pipeline/shared/contracts/event.ts';
import { ALL_JOBS, LISTED_JOBS } from '@image-pipeline/shared/contracts/websocket.ts';
import type { JobEstimates } from '@image-pipeline/shared/jobs/job-estimates.ts';
import type { LiveView } from '@image-pipeline/shared/jobs/live-view.ts';
import type { Metrics } from '@image-pipeline/shared/metrics.ts';
import { sendInSpan } from '@image-pipeline/shared/tracing/messaging.ts';
import { AllJobsSubscription } from './websocket/all-jobs-subscription.ts';
import { dueEvents } from './websocket/event-order.ts';
import type { EventRing, RingEntry } from './websocket/event-ring.ts';
import { JobSubscription, type StoredJobs } from './websocket/job-subscription.ts';
import { allJobsStateMessage, encode, type Frame, type Subscriber } from './websocket/subscriber.ts';

export interface NotifierOptions {
  /** The state of the newest jobs. */
  readonly live: LiveView;
  /** The newest events, for clients that resume. */
  readonly ring: EventRing;
  readonly stored: Pick<StoredJobs, 'find'>;
  /** Whether the event log was read from its beginning, so that there are no earlier events. */
  readonly hasReadAll: () => boolean;
  readonly estimates: Pick<JobEstimates, 'changed' | 'forget'>;
  readonly metrics: Pick<Metrics, 'set' | 'observe'>;
}

/**
 * Notifies subscribers of job events. One pass over the event log serves all of them:
 *
 *     event → the events due, in the order of a job's life → ring → the job's subscribers, then those of all jobs
 */
export class Notifier {
  readonly #options: NotifierOptions;
  readonly #ofJob = new Map<string, Map<Subscriber, JobSubscription>>();
  readonly #ofAll = new Map<Subscriber, AllJobsSubscription>();
  /** The newest jobs, encoded once for all subscribers until the next event. */
  #currentState: Frame | undefined;
  #count = 0;
  /** The time of the first event that was read from the log. */
  #logStart: number | undefined;

  constructor(options: NotifierOptions) {
    this.#options = options;
    this.#countSubscriptions(0);
  }

  /** The next event of the log. */
  onEvent(event: JobEvent, offset: number): void {
    const { live, ring, estimates } = this.#options;
    this.#logStart ??= Date.parse(event.time);
    const due = dueEvents(live.get(event.data.job_id), event, this.#mayBeKnown(event));
    const { view, changed } = live.apply(event);
    this.#currentState = undefined;
    if (changed) estimates.changed(view);
    for (const next of due) this.#notify(next, ring.append(next, offset));
  }

  /** Discards what was read of the log so far. */
  onReset(): void {
    const { live, ring, estimates } = this.#options;
    live.clear();
    estimates.forget();
    ring.clear();
    this.#currentState = undefined;
    this.#logStart = undefined;
    for (const subscriptions of this.#ofJob.values()) {
      for (const subscription of subscriptions.values()) subscription.reset('log_reset');
    }
    for (const subscription of this.#ofAll.values()) subscription.reset('log_reset');
  }

  /**
   * Subscribes to a job, or to all; replaces an existing subscription.
   * @param jobId the id of a job, or `*`
   * @param lastEventId the last `event_id` that it received, to get later events only
   * @param wantsPipelineStatus whether a subscriber of all jobs also gets the state of the pipeline
   */
  subscribe(
    subscriber: Subscriber,
    jobId: string,
    lastEventId: string | undefined,
    wantsPipelineStatus = false,
  ): void {
    this.unsubscribe(subscriber, jobId);
    this.#countSubscriptions(1);
    if (jobId === ALL_JOBS) {
      const isWatched = (id: string) => this.#ofJob.get(id)?.has(subscriber) === true;
      const subscription = new AllJobsSubscription({
        ...this.#options,
        subscriber,
        currentState: () => (this.#currentState ??= this.#encodeState()),
        isWatched,
        wantsPipelineStatus,
      });
      this.#ofAll.set(subscriber, subscription);
      subscription.begin(lastEventId);
    } else {
      const subscription = new JobSubscription({ ...this.#options, subscriber, jobId });
      const ofThisJob = this.#ofJob.get(jobId) ?? new Map<Subscriber, JobSubscription>();
      this.#ofJob.set(jobId, ofThisJob.set(subscriber, subscription));
      subscription.begin(lastEventId);
    }
  }

  unsubscribe(subscriber: Subscriber, jobId: string): void {
    const ofThisJob = this.#ofJob.get(jobId);
    const subscription = jobId === ALL_JOBS ? this.#ofAll.get(subscriber) : ofThisJob?.get(subscriber);
    if (subscription === undefined) return;
    subscription.end();
    this.#countSubscriptions(-1);
    if (jobId === ALL_JOBS) this.#ofAll.delete(subscriber);
    ofThisJob?.delete(subscriber);
    if (ofThisJob?.size === 0) this.#ofJob.delete(jobId);
  }

  get wantsPipelineStatus(): boolean {
    return [...this.#ofAll.values()].some((subscription) => subscription.wantsPipelineStatus);
  }

  sendPipelineStatus(frame: Frame): void {
    for (const [subscriber, { wantsPipelineStatus }] of this.#ofAll) {
      if (wantsPipelineStatus) subscriber.send(frame);
    }
  }

  #encodeState(): Frame {
    const { live, ring } = this.#options;
    return encode(allJobsStateMessage(live.list({ limit: LISTED_JOBS }).jobs, ring.newest?.eventId));
  }

  #notify(event: JobEvent, entry: RingEntry): void {
    const subscriptions = this.#ofJob.get(entry.jobId);
    const subscribers = (subscriptions?.size ?? 0) + this.#ofAll.size;
    if (subscribers === 0) return;
    sendInSpan(event, subscribers, () => {
      for (const subscription of subscriptions?.values() ?? []) subscription.offer(event, entry);
      for (const subscription of this.#ofAll.values()) subscription.offer(entry);
    });
    this.#observeDelay(event);
  }

  /** Whether the `queued` event of the job may be older than the log that was read, or may be forgotten. */
  #mayBeKnown(event: JobEvent): boolean {
    const { live, hasReadAll } = this.#options;
    if (live.mayHaveForgotten(event.data.job_id)) return true;
    return !hasReadAll() && Date.parse(event.data.request.submitted_at) < (this.#logStart ?? 0);
  }

  /** Clocks of machines differ by more than the delivery time, so the delay may be negative. */
  #observeDelay(event: JobEvent): void {
    const seconds = (Date.now() - Date.parse(event.time)) / 1_000;
    this.#options.metrics.observe('image_notification_delay_seconds', Math.max(0, seconds));
  }

  #countSubscriptions(change: number): void {
    this.#count += change;
    this.#options.metrics.set('image_websocket_subscriptions', this.#count);
  }
}
