import type { Broker } from '@image-pipeline/shared/broker/broker.ts';
import type { Consumer } from '@image-pipeline/shared/broker/consumer.ts';
import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import type { Metrics } from '@image-pipeline/shared/metrics.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { inConsumerSpans } from '@image-pipeline/shared/tracing/messaging.ts';
import type { NotificationConfig } from '../config.ts';
import { createWebhookDelivery } from './deliver-webhook.ts';
import { ReceiverSlots } from './receiver-slots.ts';
import type { Resolve } from './resolve-receiver.ts';

/** Concurrent webhooks, and those to one receiver. */
const IN_FLIGHT = 64;
const PER_HOST = 8;
/** How long a receiver that timed out gets one webhook at a time. */
const HANGING_MS = 60_000;

export interface WebhooksOptions {
  readonly config: NotificationConfig;
  readonly broker: Broker;
  readonly store: ObjectStore;
  readonly resolve: Resolve;
  readonly inFlight?: number | undefined;
  readonly perHost?: number | undefined;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** Delivers webhooks while it is started. Without a secret they stay in their queue. */
export class Webhooks {
  readonly #consumer: Consumer;
  readonly #options: WebhooksOptions;
  readonly #stopping = new AbortController();
  readonly #givingUp = new AbortController();

  constructor(options: WebhooksOptions) {
    const { config, broker, inFlight = IN_FLIGHT, perHost = PER_HOST } = options;
    this.#options = options;
    const deliver = createWebhookDelivery({
      ...options,
      publisher: broker.publisher,
      retryDelays: config.WEBHOOK_RETRY_DELAYS,
      secrets: config.WEBHOOK_SECRET,
      allowed: config.WEBHOOK_ALLOWED_HOSTS,
      apiUrl: config.PUBLIC_API_URL,
      timeoutMs: config.WEBHOOK_TIMEOUT_MS,
      slots: new ReceiverSlots({
        atOnce: perHost,
        // Half of them wait for the other half: short bursts need no deferral.
        inFlight: perHost * 2,
        hangingMs: HANGING_MS,
      }),
      stopping: this.#stopping.signal,
      givingUp: this.#givingUp.signal,
    });
    this.#consumer = broker.consumer({
      queue: queueNames.webhooks,
      prefetch: inFlight,
      onDelivery: inConsumerSpans(queueNames.webhooks, deliver),
    });
  }

  async start(): Promise<void> {
    const { config, log } = this.#options;
    if (config.WEBHOOK_SECRET.length > 0) await this.#consumer.start();
    else log.warn('WEBHOOK_SECRET is not set: webhooks stay in their queue');
  }

  /**
   * Stops consuming and hands back the waiting webhooks.
   * @param patienceMs how long to wait for the posts in progress; then they are handed back, too
   */
  async stop(patienceMs: number): Promise<void> {
    // First, so that the broker does not redeliver to this consumer.
    const stopped = this.#consumer.stop(patienceMs);
    this.#stopping.abort();
    await stopped;
    this.#givingUp.abort();
  }
}
