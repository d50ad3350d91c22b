import { setTimeout as sleep } from 'node:timers/promises';
import { publishUntilConfirmed } from '@image-pipeline/shared/broker/publish-until-confirmed.ts';
import type { Publisher } from '@image-pipeline/shared/broker/publisher.ts';
import type { JobEvent } from '@image-pipeline/shared/contracts/event.ts';
import { messageOf } from '@image-pipeline/shared/errors.ts';
import { eventMessage } from '@image-pipeline/shared/jobs/event-follower.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';

/** Uploads are refused while the broker is away, so that far fewer than this ever wait. */
const MAX_UNDER_WAY = 10_000;

/** Publishes events in the background, so that no answer waits for them. */
export class Announcer {
  readonly #publisher: Publisher;
  readonly #log: Logger;
  readonly #stop = new AbortController();
  readonly #underWay = new Set<Promise<void>>();

  constructor(publisher: Publisher, log: Logger) {
    this.#publisher = publisher;
    this.#log = log;
  }

  /** Publishes now, and again until the broker confirms. */
  announce(event: JobEvent): void {
    if (this.#underWay.size >= MAX_UNDER_WAY) {
      this.#giveUp(event, 'too many events wait already');
      return;
    }
    const announcing: Promise<void> = this.#publish(event).finally(() => this.#underWay.delete(announcing));
    this.#underWay.add(announcing);
  }

  /** Waits for what is under way, at most `patienceMs`; then each gets its last try. */
  async stop(patienceMs: number): Promise<void> {
    const patience = new AbortController();
    const all = Promise.all(this.#underWay);
    await Promise.race([
      all,
      sleep(patienceMs, undefined, { signal: patience.signal }).catch(() => undefined),
    ]);
    patience.abort();
    this.#stop.abort();
    await all;
  }

  async #publish(event: JobEvent): Promise<void> {
    try {
      await publishUntilConfirmed(this.#publisher, eventMessage(event), this.#stop.signal);
    } catch (error) {
      this.#giveUp(event, messageOf(error));
    }
  }

  /** Nobody is misled: whoever meets the job later fills the event in. */
  #giveUp(event: JobEvent, reason: string): void {
    this.#log.warn({ job_id: event.data.job_id, event: event.type, reason }, 'could not publish an event');
  }
}
