import type { QueueInspector } from '@image-pipeline/shared/broker/queue-inspector.ts';
import {
  queueNames,
  webhookRetryQueueName,
  type RetryDelay,
} from '@image-pipeline/shared/broker/topology.ts';
import { messageOf } from '@image-pipeline/shared/errors.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';

export const INSPECT_EVERY_SECONDS = 60;

export interface WebhookQueuesOptions {
  readonly webhookRetryDelays: readonly RetryDelay[];
  readonly queues: Pick<QueueInspector, 'inspect'>;
  /** How long the delivery of a webhook can take without a trace in queues or store, in milliseconds. */
  readonly longestDeliveryMs: number;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** The monotonic clock, in milliseconds. */
  readonly clock?: () => number;
}

/**
 * Returns a function that inspects the webhook queues and returns whether no webhook has a message. RabbitMQ does not count
 * messages that are being delivered, so this is known only when all inspections since the longest delivery have found no
 * message: a webhook that was in delivery then has a new record, or is back in a queue. Call it every
 * `INSPECT_EVERY_SECONDS`: after a longer pause, it starts again.
 */
export function watchWebhookQueues(options: WebhookQueuesOptions): () => Promise<boolean> {
  const { webhookRetryDelays, queues, longestDeliveryMs, log, clock = () => performance.now() } = options;
  const names = [queueNames.webhooks, ...webhookRetryDelays.map(webhookRetryQueueName)];
  let emptySince: number | undefined;
  let inspectedAt = -Infinity;
  let isReadable = true;
  return async () => {
    const now = clock();
    if (now - inspectedAt > 2 * INSPECT_EVERY_SECONDS * 1_000) emptySince = undefined;
    inspectedAt = now;
    try {
      const counts = await Promise.all(names.map((name) => queues.inspect(name)));
      if (!isReadable) log.info('can inspect the webhook queues again');
      isReadable = true;
      emptySince = counts.some(({ ready }) => ready > 0) ? undefined : (emptySince ?? now);
    } catch (error) {
      const reason = messageOf(error);
      if (isReadable)
        log.warn({ reason }, 'cannot inspect the webhook queues; keeping jobs with open webhooks');
      isReadable = false;
      emptySince = undefined;
    }
    return emptySince !== undefined && now - emptySince >= longestDeliveryMs;
  };
}
