import type { JobEvent } from '@image-pipeline/shared/contracts/event.ts';
import { ALL_JOBS } from '@image-pipeline/shared/contracts/websocket.ts';
import type { LiveView } from '@image-pipeline/shared/jobs/live-view.ts';
import type { Metrics } from '@image-pipeline/shared/metrics.ts';
import { sendInSpan } from '@image-pipeline/shared/tracing/messaging.ts';
import { AllJobsSubscription } from './websocket/all-jobs-subscription.ts';
import { dueEvents } from './websocket/event-order.ts';
import type { EventRing, RingEntry } from './websocket/event-ring.ts';
import { JobSubscription } from './websocket/job-subscription.ts';
import type { StoredJobs } from './websocket/stored-jobs.ts';
import type { Subscriber } from './websocket/subscriber.ts';

export interface NotifierOptions {
  /** What is known of the newest jobs. */
  readonly live: LiveView;
  /** The newest events, for those who come back. */
  readonly ring: EventRing;
  readonly stored: Pick<StoredJobs, 'find'>;
  /** Whether the event log was read from its very beginning, so that nothing happened before. */
  readonly hasReadAll: () => boolean;
  readonly metrics: Pick<Metrics, 'set' | 'observe'>;
}

/**
 * Tells subscribers what happens to jobs. One pass over the event log serves all of them:
 *
 *     event → what is due in the order of a job's life → ring → the job's subscribers, then those of all jobs
 */
export class Notifier {
  readonly #options: NotifierOptions;
  readonly #ofJob = new Map<string, Map<Subscriber, JobSubscription>>();
  readonly #ofAll = new Map<Subscriber, AllJobsSubscription>();
  #count = 0;
  /** When the part of the log began that has been read. */
  #logBegan: number | undefined;

  constructor(options: NotifierOptions) {
    this.#options = options;
    this.#countSubscriptions(0);
  }

  /** The next event of the log. */
  onEvent(event: JobEvent, offset: number): void {
    const { live, ring } = this.#options;
    this.#logBegan ??= Date.parse(event.time);
    const due = dueEvents(live.get(event.data.job_id), event, this.#mayHaveBeenKnown(event));
    live.apply(event);
    for (const next of due) this.#tell(next, ring.append(next, offset));
  }

  /** What was read of the log so far no longer counts. */
  onReset(): void {
    const { live, ring } = this.#options;
    live.clear();
    ring.clear();
    this.#logBegan = undefined;
    for (const subscriptions of this.#ofJob.values()) {
      for (const subscription of subscriptions.values()) subscription.reset('log_reset');
    }
    for (const subscription of this.#ofAll.values()) subscription.reset('log_reset');
  }

  /**
   * Begins to tell `subscriber` of a job, or of all; anew if it is told already.
   * @param jobId the id of a job, or `*`
   * @param lastEventId the last `event_id` that it has seen, to be told only what came after
   */
  subscribe(subscriber: Subscriber, jobId: string, lastEventId: string | undefined): void {
    this.unsubscribe(subscriber, jobId);
    this.#countSubscriptions(1);
    if (jobId === ALL_JOBS) {
      const isWatched = (id: string) => this.#ofJob.get(id)?.has(subscriber) === true;
      const subscription = new AllJobsSubscription({ ...this.#options, subscriber, isWatched });
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

  #tell(event: JobEvent, entry: RingEntry): void {
    const subscriptions = this.#ofJob.get(entry.jobId);
    const subscribers = (subscriptions?.size ?? 0) + this.#ofAll.size;
    if (subscribers === 0) return;
    sendInSpan(event, subscribers, () => {
      for (const subscription of subscriptions?.values() ?? []) subscription.offer(event, entry);
      for (const subscription of this.#ofAll.values()) subscription.offer(entry);
    });
    this.#observeDelay(event);
  }

  /** Whether the acceptance of the job may have come by before the log was read, or may be forgotten. */
  #mayHaveBeenKnown(event: JobEvent): boolean {
    const { live, hasReadAll } = this.#options;
    if (live.mayHaveForgotten(event.data.job_id)) return true;
    return !hasReadAll() && Date.parse(event.data.request.submitted_at) < (this.#logBegan ?? 0);
  }

  /** Clocks of machines differ by more than a message takes, so the delay may come out below zero. */
  #observeDelay(event: JobEvent): void {
    const seconds = (Date.now() - Date.parse(event.time)) / 1_000;
    this.#options.metrics.observe('image_notification_delay_seconds', Math.max(0, seconds));
  }

  #countSubscriptions(change: number): void {
    this.#count += change;
    this.#options.metrics.set('image_websocket_subscriptions', this.#count);
  }
}
