import { type Publisher, publishUntilConfirmed } from '@image-pipeline/shared/broker/publisher.ts';
import type { JobEvent } from '@image-pipeline/shared/contracts/event.ts';
import { messageOf } from '@image-pipeline/shared/errors.ts';
import { eventMessage } from '@image-pipeline/shared/jobs/event-follower.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import { withinDeadline } from '@image-pipeline/shared/waiting.ts';

/** Uploads are refused while the broker is unavailable, so that far fewer than this are ever pending. */
const MAX_IN_FLIGHT = 10_000;

/** Publishes events in the background, so that no response waits for them. */
export class EventPublisher {
  readonly #publisher: Publisher;
  readonly #log: Logger;
  readonly #stop = new AbortController();
  readonly #inFlight = new Set<Promise<void>>();

  constructor(publisher: Publisher, log: Logger) {
    this.#publisher = publisher;
    this.#log = log;
  }

  /** Publishes the event and retries until the broker confirms it. */
  publish(event: JobEvent): void {
    if (this.#inFlight.size >= MAX_IN_FLIGHT) {
      this.#discard(event, 'too many events are pending');
      return;
    }
    const publishing: Promise<void> = this.#publish(event).finally(() => this.#inFlight.delete(publishing));
    this.#inFlight.add(publishing);
  }

  /** Waits at most `timeoutMs` for pending events; then each gets a last attempt. */
  async stop(timeoutMs: number): Promise<void> {
    const all = Promise.all(this.#inFlight);
    await withinDeadline(timeoutMs, () => all).catch(() => undefined);
    this.#stop.abort();
    await all;
  }

  async #publish(event: JobEvent): Promise<void> {
    try {
      await publishUntilConfirmed(this.#publisher, eventMessage(event), this.#stop.signal);
    } catch (error) {
      this.#discard(event, messageOf(error));
    }
  }

  /** Harmless: later events of the job include everything that this one says. */
  #discard(event: JobEvent, reason: string): void {
    this.#log.warn({ job_id: event.data.job_id, event: event.type, reason }, 'could not publish an event');
  }
}
