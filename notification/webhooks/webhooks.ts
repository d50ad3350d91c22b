import type { Broker } from '@image-pipeline/shared/broker/broker.ts';
import { HOLD_MS, type Consumer } from '@image-pipeline/shared/broker/consumer.ts';
import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import type { JobEvent } from '@image-pipeline/shared/contracts/event.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import type { Metrics } from '@image-pipeline/shared/metrics.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import type { StoreWatch } from '@image-pipeline/shared/store/store-watch.ts';
import { inConsumerSpans } from '@image-pipeline/shared/tracing/messaging.ts';
import type { NotificationConfig } from '../config.ts';
import { createWebhookDelivery } from './deliver-webhook.ts';
import { LostWebhooks } from './lost-webhooks.ts';
import { ReceiverSlots } from './receiver-slots.ts';
import type { Resolve } from './resolve-receiver.ts';

/** Concurrent webhooks, most of which may wait for receivers that hang, and those to one receiver. */
const IN_FLIGHT = 512;
const PER_HOST = 8;
/** How long the end of a job may have no attempt to deliver its webhook (ms). */
const LOST_AFTER_MS = 60_000;
/** How long a receiver that timed out gets one webhook at a time. */
const HANGING_MS = 60_000;

export interface WebhooksOptions {
  readonly config: NotificationConfig;
  readonly broker: Broker;
  readonly store: ObjectStore;
  readonly storeWatch: Pick<StoreWatch, 'whenAvailable'>;
  readonly resolve: Resolve;
  readonly inFlight?: number | undefined;
  readonly perHost?: number | undefined;
  readonly lostAfterMs?: number | undefined;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** Delivers webhooks while it is started. Without a secret they stay in their queue. */
export class Webhooks {
  readonly #consumer: Consumer;
  readonly #lost: LostWebhooks;
  readonly #options: WebhooksOptions;
  readonly #stopping = new AbortController();
  readonly #drainDeadline = new AbortController();

  constructor(options: WebhooksOptions) {
    const { config, broker, inFlight = IN_FLIGHT, perHost = PER_HOST } = options;
    this.#options = options;
    this.#lost = new LostWebhooks({
      ...options,
      lostAfterMs: options.lostAfterMs ?? LOST_AFTER_MS,
      longestDelayMs: Math.max(...config.WEBHOOK_RETRY_DELAYS.map(({ delayMs }) => delayMs)),
    });
    const deliver = createWebhookDelivery({
      ...options,
      lost: this.#lost,
      publisher: broker.publisher,
      retryDelays: config.WEBHOOK_RETRY_DELAYS,
      secrets: config.WEBHOOK_SECRET,
      allowed: config.WEBHOOK_ALLOWED_HOSTS,
      apiUrl: config.PUBLIC_API_URL,
      timeoutMs: config.WEBHOOK_TIMEOUT_MS,
      slots: new ReceiverSlots({
        total: inFlight,
        maxConcurrent: perHost,
        // Half of them wait for the other half: short bursts need no deferral.
        inFlight: perHost * 2,
        hangingMs: HANGING_MS,
      }),
      stopping: this.#stopping.signal,
      drainDeadline: this.#drainDeadline.signal,
    });
    this.#consumer = broker.consumer({
      queue: queueNames.webhooks,
      prefetch: inFlight,
      onDelivery: inConsumerSpans(queueNames.webhooks, deliver),
      holdMs: HOLD_MS,
      mayConsume: (signal) => options.storeWatch.whenAvailable(signal),
    });
  }

  async start(): Promise<void> {
    const { log } = this.#options;
    if (!this.#isSetUp) {
      log.warn('WEBHOOK_SECRET is not set: webhooks stay in their queue');
      return;
    }
    await this.#consumer.start();
    await this.#lost.start();
  }

  /** Why webhooks are not delivered, or undefined if they are, or are not set up. */
  get notConsumingBecause(): string | undefined {
    return this.#isSetUp ? this.#consumer.notConsumingBecause : undefined;
  }

  /** The next event of the log. */
  onEvent(event: JobEvent): void {
    if (this.#isSetUp) this.#lost.onEvent(event);
  }

  get #isSetUp(): boolean {
    return this.#options.config.WEBHOOK_SECRET.length > 0;
  }

  /**
   * Stops consuming and hands back the waiting webhooks.
   * @param patienceMs how long to wait for the posts in progress; then they are handed back, too
   */
  async stop(patienceMs: number): Promise<void> {
    // First, so that the broker does not redeliver to this consumer.
    const stopped = Promise.all([this.#consumer.stop(patienceMs), this.#lost.stop()]);
    this.#stopping.abort();
    await stopped;
    this.#drainDeadline.abort();
  }
}
