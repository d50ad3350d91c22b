import type { Broker } from '@image-pipeline/shared/broker/broker.ts';
import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { endedEvent, type JobEvent } from '@image-pipeline/shared/contracts/event.ts';
import type { WebhookAttempt } from '@image-pipeline/shared/contracts/webhook.ts';
import { isDamagedRecord, messageOf } from '@image-pipeline/shared/errors.ts';
import { readOutcome, readRequest } from '@image-pipeline/shared/jobs/read-run.ts';
import { readWebhookAttempts } from '@image-pipeline/shared/jobs/webhook-attempts.ts';
import type { Startable } from '@image-pipeline/shared/lifecycle.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import { Repeater } from '@image-pipeline/shared/repeater.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { deliveryMessage, webhookIdOf } from './webhook-message.ts';

/** Maximum number of jobs to remember. */
const MAX_PENDING = 50_000;

export interface LostWebhooksOptions {
  readonly broker: Pick<Broker, 'publisher' | 'queues'>;
  readonly store: Pick<ObjectStore, 'get' | 'list'>;
  /** How long a webhook may be overdue, in milliseconds. */
  readonly lostAfterMs: number;
  /** The longest time that a webhook waits in a retry queue, in milliseconds. */
  readonly longestDelayMs: number;
  readonly log: Logger;
}

interface Pending {
  readonly jobId: string;
  readonly run: number;
  /** Time of the next check, in milliseconds since 1970. */
  checkAt: number;
}

/**
 * Publishes webhooks again whose message was lost: their queue was purged or deleted, or its binding was missing when the
 * job ended. The event log has every end of a job, and the store every attempt to deliver its webhook. A webhook that has
 * neither an attempt nor a place in the queue is lost; one too many is harmless, because a delivered webhook is never sent
 * again.
 */
export class LostWebhooks implements Startable {
  readonly #options: LostWebhooksOptions;
  readonly #repeater: Repeater;
  /** By webhook id, oldest first. */
  readonly #pending = new Map<string, Pending>();

  constructor(options: LostWebhooksOptions) {
    this.#options = options;
    this.#repeater = new Repeater(() => this.#check(), options.lostAfterMs / 2_000);
  }

  start(): Promise<void> {
    return this.#repeater.start();
  }

  stop(): Promise<void> {
    return this.#repeater.stop();
  }

  /** The next event of the log. */
  onEvent(event: JobEvent): void {
    if (event.type !== 'job.completed' && event.type !== 'job.failed') return;
    if (event.data.request.callback_url === undefined) return;
    const id = webhookIdOf(event);
    if (this.#pending.has(id)) return;
    const { job_id: jobId, run } = event.data;
    this.#pending.set(id, { jobId, run, checkAt: Date.now() + this.#options.lostAfterMs });
    if (this.#pending.size <= MAX_PENDING) return;
    for (const oldest of this.#pending.keys()) {
      this.#pending.delete(oldest);
      return;
    }
  }

  /** The webhook was delivered, or is a dead letter. */
  onEnded(id: string): void {
    this.#pending.delete(id);
  }

  /** The webhook has a message that is delivered within `delayMs` milliseconds. */
  onMessage(id: string, delayMs: number): void {
    this.#postpone(id, Date.now() + delayMs);
  }

  #postpone(id: string, dueAt: number): void {
    const pending = this.#pending.get(id);
    if (pending !== undefined) pending.checkAt = dueAt + this.#options.lostAfterMs;
  }

  async #check(): Promise<undefined> {
    const { broker, log } = this.#options;
    const now = Date.now();
    const due = [...this.#pending].filter(([, { checkAt }]) => checkAt <= now);
    if (due.length === 0) return;
    let lost = 0;
    try {
      // Behind others, a webhook may wait for any time.
      if ((await broker.queues.inspect(queueNames.webhooks)).ready > 0) return;
      for (const [id, pending] of due) {
        if (!this.#repeater.isOn) return;
        const isLost = await this.#publishIfLost(id, pending).catch((error: unknown) => {
          if (!isDamagedRecord(error)) throw error;
          log.error(
            { err: error, job_id: pending.jobId },
            'cannot repair a webhook: its records are damaged',
          );
          this.onEnded(id);
        });
        if (isLost === true) lost++;
      }
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'could not look for lost webhooks; retrying');
    }
    if (lost > 0) log.warn({ webhooks: lost }, 'published lost webhooks again');
  }

  async #publishIfLost(id: string, { jobId, run }: Pending): Promise<boolean> {
    const { broker, store, longestDelayMs } = this.#options;
    const attempts = await readWebhookAttempts(store, jobId);
    const last = attempts.findLast((attempt) => attempt.run === run);
    if (last !== undefined && last.state !== 'retrying') {
      this.onEnded(id);
      return false;
    }
    const dueAt = dueTimeOf(last);
    if (dueAt + this.#options.lostAfterMs > Date.now()) {
      this.#postpone(id, dueAt);
      return false;
    }
    const request = await readRequest(store, jobId, run);
    const outcome = await readOutcome(store, jobId, run);
    if (request === undefined || outcome === undefined) {
      this.onEnded(id); // its records were removed
      return false;
    }
    const event = endedEvent(request, outcome);
    await broker.publisher.publish(deliveryMessage(event, (last?.attempt ?? 0) + 1));
    // Another replica may defer it, which leaves no record.
    this.#postpone(id, Date.now() + longestDelayMs);
    return true;
  }
}

/** When the next attempt was due, in milliseconds since 1970; 0 without an earlier attempt. */
function dueTimeOf(last: WebhookAttempt | undefined): number {
  return last?.next_attempt_at === undefined ? 0 : Date.parse(last.next_attempt_at);
}
